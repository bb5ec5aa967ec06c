export * from './event-log-contract.js';
export * from './events.js';
export * from './servers.js';
