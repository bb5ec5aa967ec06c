export * from './merge-type.js';
