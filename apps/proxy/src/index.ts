export * from './dns-server.js';
export * from './node-proxy.js';
export * from './userspace-backend.js';
