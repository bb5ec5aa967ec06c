export * from './bootstrap.js';
export * from './config.js';
export * from './health.controller.js';
export * from './hosted-service.js';
export * from './logging.js';
export * from './service-transport.js';
