export * from './api-server.js';
export * from './event-log-contract.js';
export * from './events.js';
export * from './memory-history.js';
export * from './pki.js';
export * from './servers.js';
export * from './memory-cluster.js';
export * from './manifests.js';
