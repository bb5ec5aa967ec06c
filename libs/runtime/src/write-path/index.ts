export { ReadBarrier } from './barrier.js';
export * from './delete-collection.js';
export * from './write-path-engine.js';
