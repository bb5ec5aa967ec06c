export { mergeTypeOf } from './merge-schema.js';
