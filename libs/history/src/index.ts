export * from './wire.js';
export * from './place.js';
export * from './moment.js';
export * from './fork/index.js';
export * from './difference.js';
export * from './archive/index.js';
