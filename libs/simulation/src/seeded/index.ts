export { cameUp, type Beginning, type Plants } from './cluster.js';
export { runSeed, type SeedOptions, type SeedResult } from './run-seed.js';
export type { Violation } from './witness.js';
