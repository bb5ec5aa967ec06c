export * from './dns/zone.js';
export * from './node-conditions.js';
export * from './proxy/nft.js';
export * from './proxy/plan.js';
export * from './pod/index.js';
