export * from './bytewise.js';
export * from './state-cache.js';
