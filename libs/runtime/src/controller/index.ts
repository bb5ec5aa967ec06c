export * from './controller-loop.js';
export * from './generated-suffix.js';
export * from './terminal-error.js';
export * from './timers.js';
export * from './work-queue.js';
