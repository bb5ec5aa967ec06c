export * from './acts.js';
export * from './compare/index.js';
export * from './images.js';
export * from './merge.js';
export * from './seed.js';
export * from './settings.js';
