export * from './deep-equal.js';
export * from './field-error.js';
export * from './meta.js';
export * from './reconcile.js';
export * from './status-error.js';
