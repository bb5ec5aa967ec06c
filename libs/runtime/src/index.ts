export * from './ports.js';
export * from './state-cache/index.js';
export * from './clock/index.js';
export * from './controller/index.js';
export * from './recompute/index.js';
export * from './sharing/index.js';
export * from './write-path/index.js';
export * from './webhooks/index.js';
