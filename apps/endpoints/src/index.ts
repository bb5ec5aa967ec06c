export * from './endpoints.module.js';
