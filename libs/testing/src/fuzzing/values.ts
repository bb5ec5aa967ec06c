import { MODELS, type FieldFact, type ResourceDefinition } from '#libs/api';
import { apiVersionOf } from '#libs/apimachinery';
import type { Dice } from './dice.js';

/** Texts that have broken parsers, validators and printers before. */
export const ODD_TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '%',
  '%00',
  '\u0000',
  '\n',
  '\u2028',
  '\ud800',
  '\u{1f600}',
  '$patch',
  'a'.repeat(64),
  'a'.repeat(254),
  'a.b/c',
  'A_b',
  '-a',
  'a-',
  '0',
  '-1',
  '1e999',
  '999999999999999999999',
  '0x10',
  '1Ki',
  '100m',
  '10%',
  '10.0.0.1',
  '10.0.0.0/8',
  '::1',
  'fe80::1%eth0',
  'None',
  'true',
  'null',
  'http',
  'TCP',
  'All',
  'Always',
  '2026-01-01T00:00:00Z',
  '9999-99-99T99:99:99Z',
  '*',
  'kubernetes.io/x',
  'a=b,c in (d)',
];
const NAMES: readonly string[] = ['a', 'b', 'web', 'default', 'x-1', 'app', 'kubernetes.io/metadata.name', 'data', 'key'];
const ODD_NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  2,
  80,
  65535,
  65536,
  2147483647,
  2147483648,
  -2147483649,
  2 ** 53,
  -(2 ** 63),
  1e21,
  1e308,
  0.5,
];

/** What every object seems to have. */
const INHERITED: readonly string[] = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf'];

/** A text: often a plain name, often one that has broken something before. */
export const textOf = (dice: Dice): string =>
  dice.once(4) ? dice.pick(ODD_TEXTS) : dice.once(8) ? dice.pick(INHERITED) : dice.pick(NAMES);

/** Any JSON value, often a nasty one. */
export function anyValue(dice: Dice, depth = 3): unknown {
  switch (dice.below(depth > 0 ? 8 : 6)) {
    case 0:
      return null;
    case 1:
      return dice.once(2);
    case 2:
      return dice.pick(ODD_NUMBERS);
    case 3:
    case 4:
    case 5:
      return textOf(dice);
    case 6:
      return dice.times(3, () => anyValue(dice, depth - 1));
  }
  return Object.fromEntries(dice.times(3, () => [textOf(dice), anyValue(dice, depth - 1)] as const));
}

function scalarOf(dice: Dice, type: string): unknown {
  switch (type) {
    case 'bool':
      return dice.once(2);
    case 'int32':
    case 'int64':
    case 'byte':
    case 'double':
      return dice.once(3) ? dice.pick(ODD_NUMBERS) : dice.below(100);
    case 'quantity':
      return dice.pick(['1', '100m', '1Gi', '-1', '1e3', '0.1', '9E30', 'x', 5]);
    case 'intOrString':
      return dice.pick<unknown>([80, 'http', '25%', 0, -1, '', 65536]);
    case 'time':
    case 'microTime':
      return dice.pick(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000000Z', null, 'yesterday', '0001-01-01T00:00:00Z']);
    case 'bytes':
      return dice.pick(['', 'YQ==', 'YQ', '!!', 'AAAA']);
    case 'any':
      return anyValue(dice, 2);
  }
  return textOf(dice);
}

/** A value of one of upstream's types; now and then of another. `odds`: one field in so many is wrong. */
export function valueOfType(dice: Dice, type: string, depth: number, odds: number): unknown {
  if (dice.once(odds)) return anyValue(dice);
  if (type.startsWith('[]')) return dice.times(depth > 0 ? 2 : 0, () => valueOfType(dice, type.slice(2), depth - 1, odds));
  if (type.startsWith('map:')) {
    return Object.fromEntries(
      dice.times(depth > 0 ? 2 : 0, () => [textOf(dice), valueOfType(dice, type.slice(4), depth - 1, odds)] as const),
    );
  }
  if (type.startsWith('#')) return structOf(dice, type.slice(1), depth, odds);
  return scalarOf(dice, type);
}

/** How likely a field is set: what must be there nearly always, the rest the less the deeper. */
function present(dice: Dice, fact: FieldFact, depth: number, fields: number): boolean {
  if (depth < 0) return false;
  if (fact.optional !== true && fact.omit !== true) return !dice.once(10);
  return dice.next() < Math.min(0.5, 3 / fields);
}

function structOf(dice: Dice, model: string, depth: number, odds: number): unknown {
  const facts = Object.entries(MODELS[model] ?? {});
  const out: Record<string, unknown> = {};
  for (const [name, fact] of facts) {
    if (present(dice, fact, depth, facts.length)) out[name] = valueOfType(dice, fact.type, depth - 1, odds);
  }
  if (dice.once(odds)) out[textOf(dice)] = anyValue(dice);
  return out;
}

/** A body for a resource made from what is known of its type: mostly well-formed, seldom valid. */
export function bodyFor(dice: Dice, { resource, kind, model, scope }: ResourceDefinition, odds = 40): Record<string, unknown> {
  const body = structOf(dice, model, 6, odds) as Record<string, unknown>;
  const metadata = dice.once(odds) ? body['metadata'] : metadataFor(dice, scope === 'Namespaced', odds);
  return { ...body, apiVersion: apiVersionOf(resource), kind, metadata };
}

function metadataFor(dice: Dice, namespaced: boolean, odds: number): object {
  const name = dice.once(8) ? { generateName: textOf(dice) } : { name: dice.once(6) ? textOf(dice) : dice.pick(['a', 'b', 'c', 'd']) };
  const more = dice.once(3) ? (structOf(dice, 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 3, odds) as object) : {};
  return {
    ...more,
    resourceVersion: undefined,
    ...name,
    ...(namespaced && !dice.once(4) ? { namespace: 'default' } : { namespace: undefined }),
  };
}

/** All places of a value, as paths. */
function placesOf(value: unknown, path: readonly string[], out: (readonly string[])[]): void {
  if (out.length > 200) return;
  if (path.length > 0) out.push(path);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) placesOf(member, [...path, key], out);
}

function changedAt(value: unknown, path: readonly string[], change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    return list.map((item, index) => (String(index) === key ? changedAt(item, rest, change) : item));
  }
  const entries = Object.entries(value).map(([name, member]) => [name, name === key ? changedAt(member, rest, change) : member] as const);
  return Object.fromEntries(entries);
}

/** A value with a few of its members replaced, removed or doubled. */
export function mutated<T>(dice: Dice, value: T, most = 3): T {
  let next: unknown = value;
  for (let left = 1 + dice.below(most); left > 0; left -= 1) {
    const places: (readonly string[])[] = [];
    placesOf(next, [], places);
    if (places.length === 0) break;
    next = changedAt(next, dice.pick(places), (old) => {
      switch (dice.below(6)) {
        case 0:
          return undefined;
        case 1:
          return Array.isArray(old) ? [...(old as readonly unknown[]), ...(old as readonly unknown[])] : anyValue(dice);
        case 2:
          return typeof old === 'object' && old !== null && !Array.isArray(old)
            ? { ...old, [textOf(dice)]: anyValue(dice) }
            : anyValue(dice);
        case 3:
          return typeof old === 'number' ? dice.pick(ODD_NUMBERS) : typeof old === 'string' ? textOf(dice) : anyValue(dice);
      }
      return anyValue(dice);
    });
  }
  return next as T;
}
