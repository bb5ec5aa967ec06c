export { mismatchesOf, type Mismatch } from './explains.js';
export * from './recompute.js';
