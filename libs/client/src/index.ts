export * from './api-client.js';
export * from './lines.js';
export * from './resource-watch.js';
export * from './transport.js';
