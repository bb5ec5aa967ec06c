export { cannotBeHandled, decode, strictDecodingError, type Decoded, type DecodeOptions } from './decode.js';
export { MODELS, modelFacts, type FieldFact, type ModelFacts } from './facts.js';
export { MOST_JSON_DEPTH, parseJsonStrict, type ParsedJson, type ParseOptions } from './json-text.js';
