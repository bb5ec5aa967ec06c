export * from './dice.js';
export * from './patches.js';
export * from './requests.js';
export * from './values.js';
