export * from './docker/index.js';
export * from './nftables/index.js';
