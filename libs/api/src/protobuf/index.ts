export * from './decode.js';
export * from './encode.js';
export { MalformedProtobuf } from './wire.js';
