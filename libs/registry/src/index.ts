export * from './decide.js';
export { remarksOn, type Remarks } from './admission/notes.js';
export { deletionWarnings } from './delete.js';
export { generatedName } from './metadata.js';
export { NotThereYet } from './reader.js';
export { SUCCESS, successOf, type SuccessStatus } from './status.js';
export { scaleOf } from './subresource/scale.js';
export * from './write.js';
