import type { Meter } from '../evaluation/meter.js';
import type { Value } from '../evaluation/values.js';
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  NULL,
  optionalOf,
  STRING,
  TIMESTAMP,
  TYPE,
  UINT,
  type CelType,
} from '../types.js';

/** What an overload computes; `args` begins with the receiver of a member function. */
export type Implementation = (args: readonly Value[], meter: Meter) => Value;
/** What a call costs by upstream's reckoning. */
export type CostOf = (args: readonly Value[], result: Value) => number;

/** One signature of a function, and what it computes. */
export interface Overload {
  readonly name: string;
  readonly member: boolean;
  /** The receiver first, of a member function. */
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly call: Implementation;
  readonly cost?: CostOf;
}

const SIMPLE: Readonly<Record<string, CelType>> = {
  bool: BOOL,
  int: INT,
  uint: UINT,
  double: DOUBLE,
  string: STRING,
  bytes: BYTES,
  null: NULL,
  dyn: DYN,
  type: TYPE,
  timestamp: TIMESTAMP,
  duration: DURATION,
};

/** The type that a text such as `map<string, list<T>>` names; a single capital is a parameter. */
export function readType(text: string): CelType {
  const simple = SIMPLE[text];
  if (simple) return simple;
  if (/^[A-Z]$/.test(text)) return { kind: 'param', name: text };
  const [, outer, inner] = /^(list|map|optional)<(.*)>$/.exec(text) ?? [];
  if (outer === undefined || inner === undefined) return { kind: 'opaque', name: text };
  if (outer === 'list') return listOf(readType(inner));
  if (outer === 'optional') return optionalOf(readType(inner));
  const [key = '', ...value] = splitTypes(inner);
  return mapOf(readType(key), readType(value.join(', ')));
}

/** The parts between commas, but for commas within angle brackets. */
function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of text) {
    if (char === '<') depth++;
    if (char === '>') depth--;
    if (char !== ',' || depth > 0) {
      part += char;
      continue;
    }
    parts.push(part.trim());
    part = '';
  }
  return part.trim() === '' ? parts : [...parts, part.trim()];
}

function readSignature(signature: string): { readonly path: string; readonly args: readonly CelType[]; readonly result: CelType } {
  const [, path = '', args = '', result = ''] = /^(.*?)\((.*)\): (.+)$/.exec(signature) ?? [];
  return { path, args: splitTypes(args).map(readType), result: readType(result) };
}

const withCost = (cost: CostOf | undefined): { readonly cost?: CostOf } => (cost ? { cost } : {});

/** A function called by its name: `size(string): int`. */
export function global(signature: string, call: Implementation, cost?: CostOf): Overload {
  const { path, args, result } = readSignature(signature);
  return { name: path, member: false, args, result, call, ...withCost(cost) };
}

/** A function called on a receiver: `string.startsWith(string): bool`. */
export function member(signature: string, call: Implementation, cost?: CostOf): Overload {
  const { path, args, result } = readSignature(signature);
  const dot = path.lastIndexOf('.');
  return { name: path.slice(dot + 1), member: true, args: [readType(path.slice(0, dot)), ...args], result, call, ...withCost(cost) };
}
