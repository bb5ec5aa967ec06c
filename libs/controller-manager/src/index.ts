export * from './controllers-of.js';
