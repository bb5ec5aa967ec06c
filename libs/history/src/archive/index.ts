export * from './manifest.js';
export * from './plan.js';
export * from './ranges.js';
