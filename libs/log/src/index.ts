export * from './body.js';
export * from './event.js';
export * from './event-log.js';
export * from './evolve.js';
export * from './headers.js';
export * from './position.js';
export * from './subject.js';
export * from './upcast.js';
