export * from './simulator.module.js';
