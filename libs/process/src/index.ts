export * from './logging.js';
export * from './run-as-process.js';
export * from './settings.js';
