export * from './definition.js';
export type * from './generated/types.js';
export * from './resources.js';
export * from './strategy.js';
