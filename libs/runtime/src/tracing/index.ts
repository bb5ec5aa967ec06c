export * from './traced-log.js';
export * from './tracing.js';
