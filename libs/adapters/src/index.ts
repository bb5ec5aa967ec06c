export * from './archive/index.js';
export * from './backup/index.js';
export { pause } from './pause.js';
export * from './jetstream/index.js';
export * from './sealing/index.js';
export * from './postgres/index.js';
export * from './verification/index.js';
export * from './sinks/index.js';
export * from './sharing/index.js';
