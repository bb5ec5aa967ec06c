export * from './bootstrap.js';
export * from './config.js';
export * from './control-plane.js';
export * from './control-plane.module.js';
export * from './controllers-service.js';
export * from './health.controller.js';
export * from './hosted-service.js';
export * from './service-transport.js';
export { createLogger, loadConfig, runAsProcess } from '#libs/process';
