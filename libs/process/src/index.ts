export * from './logging.js';
export * from './metrics/index.js';
export * from './run-as-process.js';
export * from './settings.js';
export * from './tracing/index.js';
