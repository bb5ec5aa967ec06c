export * from './compile.js';
export * from './types.js';
export { largestOf } from './estimation/sizes.js';
export { Authorizer, authorizerOfResource, type AuthorizerAnswer, type AuthorizerCheck } from './library/authorizer.js';
export { toJson } from './evaluation/inspect.js';
export { CelError, LazyFields, Optional, StructValue, type Value } from './evaluation/values.js';
