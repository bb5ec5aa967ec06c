export * from './condition.js';
export * from './conditions.js';
export * from './clock-watch.js';
export * from './log-writes.js';
export * from './health-answer.js';
export * from './monitor.js';
export * from './projection-lag.js';
