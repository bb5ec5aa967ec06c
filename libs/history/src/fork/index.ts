export * from './images.js';
export * from './seed.js';
export * from './settings.js';
