export * from './decode.js';
export * from './encode.js';
export { modelOf } from './models.js';
export { MalformedProtobuf } from './wire.js';
