export * from './apiserver.module.js';
