export * from './sinks.module.js';
