export * from './decode.js';
export { MalformedProtobuf } from './wire.js';
