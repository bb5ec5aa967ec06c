export * from './wire.js';
export * from './place.js';
