export * from './check.js';
export * from './compare.js';
export { fieldsOf } from './field-set.js';
export * from './fields.js';
export * from './managers.js';
export * from './merge-type.js';
export * from './merge.js';
