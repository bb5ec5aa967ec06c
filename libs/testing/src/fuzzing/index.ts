export * from './dice.js';
export * from './patches.js';
export * from './values.js';
