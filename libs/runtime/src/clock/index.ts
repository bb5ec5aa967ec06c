export * from './running-clock.js';
