export * from './adopted-node.js';
export * from './memory-audit.js';
export * from './memory-log.js';
export * from './simulated-cluster.js';
export * from './simulated-node.js';
export * from './simulated-pod.js';
export * from './virtual-world.js';
export * from './scenario/index.js';
