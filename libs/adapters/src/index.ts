export * from './nftables/index.js';
