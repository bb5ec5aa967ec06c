export * from './serviceaccounts.module.js';
