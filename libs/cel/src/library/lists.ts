import { compare, entriesOf, equals, sizeOf } from '../evaluation/inspect.js';
import type { Meter } from '../evaluation/meter.js';
import { checkedDuration } from '../evaluation/time.js';
import { adapt } from '../evaluation/inspect.js';
import { CelError, Double, Duration, Uint, type Value } from '../evaluation/values.js';
import type { CelType } from '../types.js';
import { global, member, readType, type CostOf, type Overload } from './function.js';
import { int, TRAVERSAL, uint } from './operators.js';

/** What going once through a value costs, whatever it holds. */
function traversal(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL);
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + traversal(item as Value), 0);
  const entries = entriesOf(value);
  return entries ? entries.reduce((sum, [key, entry]) => sum + traversal(key) + traversal(entry as Value), 0) : 1;
}

const once: CostOf = ([list]) => traversal(list as Value);

const ELEMENTS = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const items = (list: Value | undefined, type: CelType): readonly Value[] => (list as readonly unknown[]).map((item) => adapt(item, type));

function isSorted(list: readonly Value[], meter: Meter): boolean {
  meter.work(list.length);
  return list.every((item, i) => i === 0 || (compare(list[i - 1] as Value, item) ?? 0) <= 0);
}

function extreme(list: readonly Value[], sign: 1 | -1, name: string, meter: Meter): Value {
  meter.work(list.length);
  const [first, ...rest] = list;
  if (first === undefined) throw new CelError(`${name} called on empty list`);
  return rest.reduce((best, item) => ((compare(item, best) ?? 0) * sign > 0 ? item : best), first);
}

const SUMS: Readonly<Record<string, (list: readonly Value[]) => Value>> = {
  int: (list) => list.reduce<bigint>((sum, item) => int(sum + (item as bigint)), 0n),
  uint: (list) => list.reduce<Uint>((sum, item) => uint(sum.value + (item as Uint).value), new Uint(0n)),
  double: (list) => new Double(list.reduce<number>((sum, item) => sum + (item as Double).value, 0)),
  duration: (list) => list.reduce<Duration>((sum, item) => checkedDuration(sum.ns + (item as Duration).ns), new Duration(0n)),
};

function position(list: readonly unknown[], item: Value | undefined, last: boolean, meter: Meter): bigint {
  const order = list.map((_, i) => (last ? list.length - 1 - i : i));
  return BigInt(order.find((i) => equals(list[i], item, meter)) ?? -1);
}

/** Kubernetes' functions of lists. */
export const LISTS: readonly Overload[] = [
  ...ELEMENTS.flatMap((name) => {
    const type = readType(name);
    return [
      member(`list<${name}>.isSorted(): bool`, ([list], meter) => isSorted(items(list, type), meter), once),
      member(`list<${name}>.max(): ${name}`, ([list], meter) => extreme(items(list, type), 1, 'max', meter), once),
      member(`list<${name}>.min(): ${name}`, ([list], meter) => extreme(items(list, type), -1, 'min', meter), once),
    ];
  }),
  ...Object.entries(SUMS).map(([name, sum]) => member(`list<${name}>.sum(): ${name}`, ([list]) => sum(items(list, readType(name))), once)),
  member('list<A>.indexOf(A): int', ([list, item], meter) => position(list as readonly unknown[], item, false, meter), once),
  member('list<A>.lastIndexOf(A): int', ([list, item], meter) => position(list as readonly unknown[], item, true, meter), once),
];

const holds = (list: readonly unknown[], item: unknown, meter: Meter): boolean => list.some((other) => equals(other, item, meter));
const product: CostOf = ([a, b]) => sizeOf(a as Value) * sizeOf(b as Value);

/** cel-go's extension of sets. */
export const SETS: readonly Overload[] = [
  global(
    'sets.contains(list<A>, list<A>): bool',
    ([a, b], meter) => (b as readonly unknown[]).every((item) => holds(a as readonly unknown[], item, meter)),
    product,
  ),
  global(
    'sets.intersects(list<A>, list<A>): bool',
    ([a, b], meter) => (b as readonly unknown[]).some((item) => holds(a as readonly unknown[], item, meter)),
    product,
  ),
  global(
    'sets.equivalent(list<A>, list<A>): bool',
    ([a, b], meter) =>
      (b as readonly unknown[]).every((item) => holds(a as readonly unknown[], item, meter)) &&
      (a as readonly unknown[]).every((item) => holds(b as readonly unknown[], item, meter)),
    product,
  ),
];
