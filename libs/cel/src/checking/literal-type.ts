import { Double, Uint, type Value } from '../evaluation/values.js';
import { BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT, type CelType } from '../types.js';

/** The type of a literal. */
export function literalType(value: Value): CelType {
  if (value === null) return NULL;
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'bigint') return INT;
  if (typeof value === 'string') return STRING;
  if (value instanceof Double) return DOUBLE;
  return value instanceof Uint ? UINT : BYTES;
}
