export { desiredOf } from './desired.js';
export * from './plan.js';
export * from './restore.js';
