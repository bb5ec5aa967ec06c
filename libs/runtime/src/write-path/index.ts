export { ReadBarrier } from './barrier.js';
export * from './delete-collection.js';
export type { WebhookCaller, WritePathOptions, WriteView } from './ground.js';
export * from './write-path-engine.js';
export { GuardMoved } from './guarded.js';
