export * from './command.js';
export * from './run-scenario.js';
