export * from './ports.js';
export * from './state-cache/index.js';
