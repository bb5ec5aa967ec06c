export * from './attributes.js';
export * from './authorize.js';
export * from './node.js';
export * from './rbac.js';
export * from './rules.js';
export * from './policy/index.js';
