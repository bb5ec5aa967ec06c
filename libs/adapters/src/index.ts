export * from './nftables/index.js';
export * from './docker/index.js';
export * from './jetstream/index.js';
export * from './sealing/index.js';
export * from './postgres/index.js';
