import type { CelType } from '../types.js';
import { entriesOf } from './inspect.js';
import { Double, Duration, LazyFields, Opaque, Optional, StructValue, Timestamp, TypeValue, Uint, type Value } from './values.js';

function matchesList(value: Value, element: CelType): boolean {
  if (!Array.isArray(value)) return false;
  return value.length === 0 || matchesRaw(value[0], element);
}

function matchesRaw(raw: unknown, type: CelType): boolean {
  if (typeof raw !== 'number') return matches(raw as Value, type);
  return type.kind === 'dyn' || type.kind === 'param' || type.kind === (Number.isInteger(raw) ? 'int' : 'double');
}

/** Whether a value can be handed to a parameter of a type; of lists and maps the first element speaks for all. */
export function matches(value: Value, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'uint':
      return value instanceof Uint;
    case 'double':
      return value instanceof Double;
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'null':
      return value === null;
    case 'type':
      return value instanceof TypeValue;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    case 'list':
      return matchesList(value, type.element);
    case 'map': {
      if (value instanceof LazyFields) return true;
      const first = entriesOf(value)?.[0];
      return first ? matches(first[0], type.key) && matchesRaw(first[1], type.value) : entriesOf(value) !== undefined;
    }
    case 'optional':
      return value instanceof Optional && (value.value === undefined || matches(value.value, type.of));
    case 'opaque':
      return value instanceof Opaque && value.type === type.name;
    case 'object':
      return value instanceof LazyFields || value instanceof StructValue || entriesOf(value) !== undefined;
    case 'error':
      return false;
  }
}
