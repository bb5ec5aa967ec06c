export * from './exposition.js';
export * from './family.js';
export * from './process-metrics.js';
export * from './registry.js';
