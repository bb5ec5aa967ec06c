export * from './operation.js';
export * from './model.js';
export * from './linearizable.js';
export * from './order.js';
export * from './watching.js';
