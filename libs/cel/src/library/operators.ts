import { compare, equals, lookUp, sizeOf } from '../evaluation/inspect.js';
import type { Meter } from '../evaluation/meter.js';
import { checkedDuration, checkedTimestamp } from '../evaluation/time.js';
import {
  CelError,
  Double,
  type Duration,
  MAX_INT,
  MAX_UINT,
  MIN_INT,
  noSuchKey,
  noSuchOverload,
  Opaque,
  Optional,
  type Timestamp,
  Uint,
  type Value,
} from '../evaluation/values.js';
import { global, type CostOf, type Overload } from './function.js';

/** Upstream's factor for going once through a text. */
export const TRAVERSAL = 0.1;

export function int(value: bigint): bigint {
  if (value > MAX_INT || value < MIN_INT) throw new CelError('integer overflow');
  return value;
}

export function uint(value: bigint): Uint {
  if (value > MAX_UINT || value < 0n) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

const divisor = (value: bigint, word: 'division' | 'modulus'): bigint => {
  if (value === 0n) throw new CelError(`${word} by zero`);
  return value;
};

type Ints = (a: bigint, b: bigint) => bigint;
const INTEGER: Readonly<Record<string, Ints>> = {
  '_+_': (a, b) => a + b,
  '_-_': (a, b) => a - b,
  '_*_': (a, b) => a * b,
  '_/_': (a, b) => a / divisor(b, 'division'),
  '_%_': (a, b) => a % divisor(b, 'modulus'),
};
const FLOAT: Readonly<Record<string, (a: number, b: number) => number>> = {
  '_+_': (a, b) => a + b,
  '_-_': (a, b) => a - b,
  '_*_': (a, b) => a * b,
  '_/_': (a, b) => a / b,
};

const arithmetic: readonly Overload[] = [
  ...Object.entries(INTEGER).flatMap(([name, compute]) => [
    global(`${name}(int, int): int`, ([a, b]) => int(compute(a as bigint, b as bigint))),
    global(`${name}(uint, uint): uint`, ([a, b]) => uint(compute((a as Uint).value, (b as Uint).value))),
  ]),
  ...Object.entries(FLOAT).map(([name, compute]) =>
    global(`${name}(double, double): double`, ([a, b]) => new Double(compute((a as Double).value, (b as Double).value))),
  ),
  global('-_(int): int', ([a]) => int(-(a as bigint))),
  global('-_(double): double', ([a]) => new Double(-(a as Double).value)),
];

const ns = (value: Value | undefined): bigint => (value as Timestamp | Duration).ns;
const times: readonly Overload[] = [
  global('_+_(timestamp, duration): timestamp', ([a, b]) => checkedTimestamp(ns(a) + ns(b))),
  global('_+_(duration, timestamp): timestamp', ([a, b]) => checkedTimestamp(ns(a) + ns(b))),
  global('_+_(duration, duration): duration', ([a, b]) => checkedDuration(ns(a) + ns(b))),
  global('_-_(timestamp, timestamp): duration', ([a, b]) => checkedDuration(ns(a) - ns(b))),
  global('_-_(timestamp, duration): timestamp', ([a, b]) => checkedTimestamp(ns(a) - ns(b))),
  global('_-_(duration, duration): duration', ([a, b]) => checkedDuration(ns(a) - ns(b))),
];

const bothSizes: CostOf = ([a, b]) => Math.ceil((sizeOf(a as Value) + sizeOf(b as Value)) * TRAVERSAL);
const smallerSize: CostOf = ([a, b]) => Math.ceil(Math.min(sizeOf(a as Value), sizeOf(b as Value)) * TRAVERSAL);

function joinLists([a, b]: readonly Value[], meter: Meter): Value {
  const left = a as readonly unknown[];
  const right = b as readonly unknown[];
  meter.build(left.length + right.length);
  meter.work(left.length + right.length);
  return left.concat(right);
}

function joinTexts([a, b]: readonly Value[], meter: Meter): Value {
  meter.build((a as string).length + (b as string).length);
  return `${a as string}${b as string}`;
}

const concatenation: readonly Overload[] = [
  global('_+_(string, string): string', joinTexts, bothSizes),
  global(
    '_+_(bytes, bytes): bytes',
    ([a, b], meter) => {
      meter.build((a as Uint8Array).length + (b as Uint8Array).length);
      return Uint8Array.from([...(a as Uint8Array), ...(b as Uint8Array)]);
    },
    bothSizes,
  ),
  global('_+_(list<A>, list<A>): list<A>', joinLists),
];

const opaqueOr =
  (cost: CostOf): CostOf =>
  (args, result) =>
    args[0] instanceof Opaque ? 1 : cost(args, result);

const equality: readonly Overload[] = [
  global('_==_(A, A): bool', ([a, b], meter) => equals(a, b, meter), opaqueOr(smallerSize)),
  global('_!=_(A, A): bool', ([a, b], meter) => !equals(a, b, meter), opaqueOr(smallerSize)),
];

const ORDER: Readonly<Record<string, (difference: number) => boolean>> = {
  '_<_': (difference) => difference < 0,
  '_<=_': (difference) => difference <= 0,
  '_>_': (difference) => difference > 0,
  '_>=_': (difference) => difference >= 0,
};
const NUMBERS = ['int', 'uint', 'double'];
const COMPARED = [
  ...['bool', 'string', 'bytes', 'timestamp', 'duration'].map((type) => [type, type] as const),
  ...NUMBERS.flatMap((a) => NUMBERS.map((b) => [a, b] as const)),
];

const ordering: readonly Overload[] = Object.entries(ORDER).flatMap(([name, holds]) =>
  COMPARED.map(([left, right]) => {
    const call = ([a, b]: readonly Value[], meter: Meter): Value => {
      if (left === 'string') meter.work(Math.min(sizeOf(a as Value), sizeOf(b as Value)) / 8);
      const difference = compare(a as Value, b as Value);
      return difference !== undefined && holds(difference);
    };
    return global(`${name}(${left}, ${right}): bool`, call, left === 'string' || left === 'bytes' ? smallerSize : undefined);
  }),
);

function index(list: readonly unknown[], at: Value): unknown {
  const position = at instanceof Double || at instanceof Uint ? Number(at.value) : Number(at as bigint);
  if (position < 0 || position >= list.length || !Number.isInteger(position)) throw new CelError(`index out of bounds: ${position}`);
  return list[position];
}

function find(map: Value, key: Value): Value {
  const found = lookUp(map, key);
  if (found === undefined) throw noSuchKey(key instanceof Double || key instanceof Uint ? key.value : key);
  return found as Value;
}

function optionally(get: () => unknown): Optional {
  const found = get();
  return found === undefined ? Optional.NONE : new Optional((typeof found === 'number' ? numberOf(found) : found) as Value);
}

const numberOf = (raw: number): Value => (Number.isInteger(raw) ? BigInt(raw) : new Double(raw));
const within = (list: readonly unknown[], at: Value): unknown => list[Number(at as bigint)];
const through = (from: Value | undefined, get: (value: Value) => unknown): Optional => {
  const { value } = from as Optional;
  return value === undefined ? Optional.NONE : optionally(() => get(value));
};

const access: readonly Overload[] = [
  global('_[_](list<A>, int): A', ([list, at]) => index(list as readonly unknown[], at as Value) as Value),
  global('_[_](map<A, B>, A): B', ([map, key]) => find(map as Value, key as Value)),
  global('_[_](optional<list<A>>, int): optional<A>', ([from, at]) =>
    through(from, (list) => within(list as readonly unknown[], at as Value)),
  ),
  global('_[_](optional<map<A, B>>, A): optional<B>', ([from, key]) => through(from, (map) => lookUp(map, key as Value))),
  global('_[?_](list<A>, int): optional<A>', ([list, at]) => optionally(() => within(list as readonly unknown[], at as Value))),
  global('_[?_](map<A, B>, A): optional<B>', ([map, key]) => optionally(() => lookUp(map as Value, key as Value))),
  global('_[?_](optional<list<A>>, int): optional<A>', ([from, at]) =>
    through(from, (list) => within(list as readonly unknown[], at as Value)),
  ),
  global('_[?_](optional<map<A, B>>, A): optional<B>', ([from, key]) => through(from, (map) => lookUp(map, key as Value))),
  global(
    '@in(A, list<A>): bool',
    ([item, list], meter) => (list as readonly unknown[]).some((element) => equals(item, element, meter)),
    ([, list]) => sizeOf(list as Value),
  ),
  global('@in(A, map<A, B>): bool', ([key, map]) => lookUp(map as Value, key as Value) !== undefined),
];

/** What the check needs to know of operators whose evaluation is not a plain call (`plan.ts`). */
const logic: readonly Overload[] = [
  ...['_&&_', '_||_'].map((name) => global(`${name}(bool, bool): bool`, () => never())),
  global('_?_:_(bool, A, A): A', () => never()),
  global('!_(bool): bool', ([a]) => !(a as boolean)),
];

function never(): never {
  throw noSuchOverload();
}

/** The operators. */
export const OPERATORS: readonly Overload[] = [...arithmetic, ...times, ...concatenation, ...equality, ...ordering, ...access, ...logic];
