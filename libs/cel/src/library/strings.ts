import { RE2JS } from 're2js';
import { sizeOf } from '../evaluation/inspect.js';
import type { Meter } from '../evaluation/meter.js';
import { CelError, type Value } from '../evaluation/values.js';
import { formatText } from './format-text.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';

const ofFirst =
  (factor: number): CostOf =>
  ([text]) =>
    Math.ceil(sizeOf(text as Value) * factor * TRAVERSAL);
const ofResult: CostOf = (_, result) => Math.ceil(sizeOf(result) * 2 * TRAVERSAL);
/** Upstream reckons a pattern's states from its length. */
const REGEX_FACTOR = 0.25;
const ofPattern: CostOf = ([text, pattern]) =>
  Math.ceil((1 + sizeOf(text as Value)) * TRAVERSAL) * Math.ceil(sizeOf(pattern as Value) * REGEX_FACTOR);
const ofBoth: CostOf = ([text, part]) => Math.ceil(sizeOf(text as Value) * TRAVERSAL) * Math.ceil(sizeOf(part as Value) * TRAVERSAL);

/** Patterns already compiled; a policy's are few and come again with each request. */
const MOST_PATTERNS = 500;
const patterns = new Map<string, RE2JS>();

/** The compiled pattern, of RE2: it takes time in proportion to the text, whatever the pattern. */
export function compilePattern(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known) return known;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (thrown) {
    throw new CelError(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (patterns.size >= MOST_PATTERNS) patterns.clear();
  patterns.set(pattern, compiled);
  return compiled;
}

const found = (text: string, pattern: string): boolean => compilePattern(pattern).matcher(text).find();

function findAll(text: string, pattern: string, most: number, meter: Meter): readonly string[] {
  const matcher = compilePattern(pattern).matcher(text);
  const out: string[] = [];
  while ((most < 0 || out.length < most) && matcher.find()) {
    meter.work(1);
    out.push(matcher.group() ?? '');
  }
  return out;
}

function at(points: readonly string[], position: bigint, most = points.length): number {
  if (position < 0n || position > BigInt(most)) throw new CelError(`index out of range: ${position}`);
  return Number(position);
}

function substring(text: string, start: bigint, end: bigint | undefined): string {
  const points = Array.from(text);
  const to = end === undefined ? points.length : at(points, end);
  if (start > BigInt(to) && end !== undefined) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  return points.slice(at(points, start), to).join('');
}

/** Where a part begins, in code points; `from`: the first (or for the last one, the greatest) position looked at. */
function indexOf(text: string, part: string, from: bigint | undefined, last: boolean, meter: Meter): bigint {
  const points = Array.from(text);
  const wanted = Array.from(part);
  const start = from === undefined ? (last ? points.length : 0) : at(points, from);
  const prefix = points.slice(0, start).join('').length;
  meter.work(text.length / 8);
  const unit = last ? text.lastIndexOf(part, prefix) : text.indexOf(part, prefix);
  if (unit < 0) return -1n;
  return BigInt(wanted.length === 0 ? (last ? Math.min(start, points.length) : start) : Array.from(text.slice(0, unit)).length);
}

function split(text: string, separator: string, limit: bigint | undefined, meter: Meter): readonly string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  meter.build(parts.length);
  const most = limit === undefined || limit < 0n ? parts.length : Number(limit);
  if (parts.length <= most) return parts;
  return [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
}

function replace([text, from, to, limit]: readonly Value[], meter: Meter): string {
  const parts = from === '' ? ['', ...Array.from(text as string), ''] : (text as string).split(from as string);
  const most = limit === undefined || (limit as bigint) < 0n ? parts.length - 1 : Math.min(Number(limit as bigint), parts.length - 1);
  meter.build((text as string).length + most * (to as string).length);
  if (from === '') return emptyReplaced(text as string, to as string, most);
  return most >= parts.length - 1
    ? parts.join(to as string)
    : [parts.slice(0, most + 1).join(to as string), ...parts.slice(most + 1)].join(from as string);
}

const emptyReplaced = (text: string, to: string, most: number): string => {
  const points = Array.from(text);
  return points.map((point, i) => (i < most ? to + point : point)).join('') + (most > points.length ? to : '');
};

function join([list, separator]: readonly Value[], meter: Meter): string {
  const parts = list as readonly unknown[];
  if (parts.some((part) => typeof part !== 'string')) throw new CelError('no such overload');
  const gap = (separator as string | undefined) ?? '';
  meter.build(parts.reduce<number>((sum, part) => sum + (part as string).length + gap.length, 0));
  return parts.join(gap);
}

/** strings.quote: printable, and safe to print. */
const QUOTES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const quote = (text: string): string => `"${Array.from(text, (char) => QUOTES[char] ?? char).join('')}"`;

const lower = (text: string): string => text.replace(/[A-Z]/g, (char) => char.toLowerCase());
const upper = (text: string): string => text.replace(/[a-z]/g, (char) => char.toUpperCase());
const SPACES =
  /^[\t\n\v\f\r\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000 ]+|[\t\n\v\f\r\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000 ]+$/g;

const tests: readonly Overload[] = [
  member('string.contains(string): bool', ([text, part]) => (text as string).includes(part as string), ofBoth),
  member('string.startsWith(string): bool', ([text, part]) => (text as string).startsWith(part as string), ofFirst(1)),
  member('string.endsWith(string): bool', ([text, part]) => (text as string).endsWith(part as string), ofFirst(1)),
  member('string.matches(string): bool', ([text, pattern]) => found(text as string, pattern as string), ofPattern),
  global('matches(string, string): bool', ([text, pattern]) => found(text as string, pattern as string), ofPattern),
];

const regex: readonly Overload[] = [
  member(
    'string.find(string): string',
    ([text, pattern], meter) => findAll(text as string, pattern as string, 1, meter)[0] ?? '',
    ofPattern,
  ),
  member(
    'string.findAll(string): list<string>',
    ([text, pattern], meter) => findAll(text as string, pattern as string, -1, meter),
    ofPattern,
  ),
  member(
    'string.findAll(string, int): list<string>',
    ([text, pattern, most], meter) => findAll(text as string, pattern as string, Number(most as bigint), meter),
    ofPattern,
  ),
];

const extended: readonly Overload[] = [
  member('string.charAt(int): string', ([text, position]) => {
    const points = Array.from(text as string);
    return points[at(points, position as bigint)] ?? '';
  }),
  ...['indexOf', 'lastIndexOf'].flatMap((name) => [
    member(
      `string.${name}(string): int`,
      ([text, part], meter) => indexOf(text as string, part as string, undefined, name !== 'indexOf', meter),
      ofFirst(1),
    ),
    member(
      `string.${name}(string, int): int`,
      ([text, part, from], meter) => indexOf(text as string, part as string, from as bigint, name !== 'indexOf', meter),
      ofFirst(1),
    ),
  ]),
  member('string.lowerAscii(): string', ([text]) => lower(text as string), ofFirst(1)),
  member('string.upperAscii(): string', ([text]) => upper(text as string), ofFirst(1)),
  member('string.trim(): string', ([text]) => (text as string).replace(SPACES, ''), ofFirst(1)),
  member('string.substring(int): string', ([text, start]) => substring(text as string, start as bigint, undefined), ofFirst(1)),
  member(
    'string.substring(int, int): string',
    ([text, start, end]) => substring(text as string, start as bigint, end as bigint),
    ofFirst(1),
  ),
  member('string.replace(string, string): string', replace, ofFirst(2)),
  member('string.replace(string, string, int): string', replace, ofFirst(2)),
  member(
    'string.split(string): list<string>',
    ([text, separator], meter) => split(text as string, separator as string, undefined, meter),
    ofFirst(2),
  ),
  member(
    'string.split(string, int): list<string>',
    ([text, separator, limit], meter) => split(text as string, separator as string, limit as bigint, meter),
    ofFirst(2),
  ),
  member('list<string>.join(): string', join, ofResult),
  member('list<string>.join(string): string', join, ofResult),
  member(
    'string.format(list<dyn>): string',
    ([text, args], meter) => formatText(text as string, args as readonly unknown[], meter),
    ofFirst(1),
  ),
  global('strings.quote(string): string', ([text]) => quote(text as string), ofFirst(1)),
  global('jsonpatch.escapeKey(string): string', ([key]) => (key as string).replaceAll('~', '~0').replaceAll('/', '~1'), ofFirst(1)),
];

/** Functions of texts: CEL's own, cel-go's extension of strings (version 2), Kubernetes' find and findAll. */
export const STRINGS: readonly Overload[] = [...tests, ...regex, ...extended];
