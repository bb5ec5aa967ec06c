import type { CelType } from '../types.js';

/** What a request holds at most; where a schema gives no bound, this one does (apiserver `cel/common/schemas.go`). */
const REQUEST_BYTES = 3 * 1024 * 1024;
/** The most bytes that one character takes. */
const BYTES_PER_CHARACTER = 4;
const DURATION_CHARACTERS = 32;
const MOMENT_CHARACTERS = 35;

/** The fewest bytes that JSON takes for a value of a type. */
function fewestBytes(type: CelType): number {
  switch (type.kind) {
    case 'bool':
      return 4;
    case 'timestamp':
      return 12;
    case 'duration':
      return 4;
    case 'string':
    case 'bytes':
    case 'list':
    case 'map':
    case 'object':
      return 2;
    default:
      return 1;
  }
}

/** The largest size of a value of a type: characters, bytes, elements or entries; 1 for what has no size. */
export function largestOf(type: CelType): number {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return type.max === undefined ? REQUEST_BYTES - 2 : type.max * BYTES_PER_CHARACTER;
    case 'list':
      return type.max ?? Math.floor((REQUEST_BYTES - 2) / (fewestBytes(type.element) + 1));
    case 'map':
      return type.max ?? Math.floor((REQUEST_BYTES - 2) / (fewestBytes(type.value) + 6));
    case 'dyn':
    case 'param':
      return REQUEST_BYTES - 2;
    case 'timestamp':
      return MOMENT_CHARACTERS;
    case 'duration':
      return DURATION_CHARACTERS;
    default:
      return 1;
  }
}
