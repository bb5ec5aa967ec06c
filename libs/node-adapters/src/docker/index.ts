export * from './container-runtime.js';
export * from './docker-runtime.js';
export * from './exit-waiters.js';
export * from './network.js';
