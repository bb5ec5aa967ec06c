export * from './node-port-claims.js';
export * from './tables.js';
