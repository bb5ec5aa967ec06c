export * from './dns/zone.js';
export * from './proxy/nft.js';
export * from './proxy/plan.js';
