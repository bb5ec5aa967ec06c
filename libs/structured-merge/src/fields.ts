/**
 * A set of fields as Kubernetes writes it (FieldsV1): a trie whose keys are path elements - `f:name`, `k:{"key":...}`,
 * `v:value`, `i:index` - and where `.` says that a place with members below it is in the set itself. A place without
 * members below it is in the set. The root is never in its own set: `{}` is the empty one. Never changed in place.
 */
export interface Fields {
  readonly [element: string]: Fields;
}

/** A place that is in a set, without anything below it. */
export const LEAF: Fields = Object.freeze({});
/** The empty set. */
export const NO_FIELDS: Fields = LEAF;

const SELF = '.';

/** Whether a place is in the set itself. */
export function isMember(place: Fields): boolean {
  if (place[SELF] !== undefined) return true;
  for (const _ in place) return false;
  return true;
}

/** Whether a set has no fields. */
export function isEmpty(set: Fields): boolean {
  for (const _ in set) return false;
  return true;
}

/** A place from what is below it; undefined where nothing is and the place itself is not in the set. */
export function placeOf(member: boolean, below: Fields): Fields | undefined {
  if (isEmpty(below)) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...below } : below;
}

/** The path elements below a place, in order. */
export const elementsOf = (place: Fields): readonly string[] => Object.keys(place).filter((element) => element !== SELF);

function sortedElements(a: Fields, b: Fields): readonly string[] {
  const elements = Object.keys(a);
  for (const element in b) if (a[element] === undefined) elements.push(element);
  return elements.sort();
}

type Operation = 'union' | 'intersection' | 'difference';

function memberAfter(operation: Operation, inA: boolean, inB: boolean): boolean {
  switch (operation) {
    case 'union':
      return inA || inB;
    case 'intersection':
      return inA && inB;
    case 'difference':
      return inA && !inB;
  }
}

function combined(a: Fields, b: Fields, operation: Operation): Fields {
  const out: Record<string, Fields> = {};
  // Only a union has elements that `a` has not.
  for (const element of operation === 'union' ? sortedElements(a, b) : Object.keys(a)) {
    if (element === SELF) continue;
    const x = a[element];
    const y = b[element];
    const place = combinedPlace(x, y, operation);
    if (place !== undefined) out[element] = place;
  }
  return out;
}

function combinedPlace(x: Fields | undefined, y: Fields | undefined, operation: Operation): Fields | undefined {
  if (x === undefined) return operation === 'union' ? y : undefined;
  if (y === undefined) return operation === 'intersection' ? undefined : x;
  return placeOf(memberAfter(operation, isMember(x), isMember(y)), combined(x, y, operation));
}

/** Every field of either set. */
export const unionOf = (a: Fields, b: Fields): Fields => (isEmpty(a) ? b : isEmpty(b) || a === b ? a : combined(a, b, 'union'));

/** The fields of both sets. */
export const intersectionOf = (a: Fields, b: Fields): Fields => (isEmpty(a) || isEmpty(b) ? NO_FIELDS : combined(a, b, 'intersection'));

/** The fields of `a` that are not in `b`. What lies below a field of `b` stays. */
export const differenceOf = (a: Fields, b: Fields): Fields => (isEmpty(a) || isEmpty(b) ? a : combined(a, b, 'difference'));

/** The fields of `a` that are neither in `b` nor below a field of `b`. */
export function withoutBelow(a: Fields, b: Fields): Fields {
  if (isEmpty(b)) return a;
  const out: Record<string, Fields> = {};
  for (const element of Object.keys(a)) {
    const x = a[element] ?? LEAF;
    const y = element === SELF ? undefined : b[element];
    if (y === undefined) out[element] = x;
    else if (!isMember(y)) {
      const place = placeOf(isMember(x), element === SELF ? LEAF : withoutSelf(withoutBelow(x, y)));
      if (place !== undefined) out[element] = place;
    }
  }
  return out;
}

function withoutSelf(place: Fields): Fields {
  if (place[SELF] === undefined) return place;
  const { [SELF]: _self, ...below } = place;
  return below;
}

/** Whether two sets have the same fields. */
export function sameFields(a: Fields, b: Fields): boolean {
  if (a === b) return true;
  const elements = Object.keys(a);
  if (elements.length !== Object.keys(b).length) return false;
  return elements.every((element) => {
    const x = a[element];
    const y = b[element];
    return x !== undefined && y !== undefined && sameFields(x, y);
  });
}

/** A set of the fields at dotted paths of plain names, e.g. `metadata.name`. */
export function fieldsAt(paths: readonly string[]): Fields {
  return paths
    .map((path) => path.split('.').reduceRight<Fields>((below, name) => ({ [`f:${name}`]: below }), LEAF))
    .reduce(unionOf, NO_FIELDS);
}

/** Every field of a set as a list of path elements, in order. */
export function pathsOf(set: Fields): readonly (readonly string[])[] {
  return elementsOf(set).flatMap((element) => {
    const place = set[element] ?? LEAF;
    const below = pathsOf(place).map((path) => [element, ...path]);
    return isMember(place) ? [[element], ...below] : below;
  });
}

/** A path as upstream prints it: `.spec.containers[name="web"].image`. */
export const printedPath = (path: readonly string[]): string => path.map(printedElement).join('');

/** One path element as upstream prints it. */
export function printedElement(element: string): string {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(rest) as Readonly<Record<string, unknown>>);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${rest}]`;
  }
  return `[${rest}]`;
}

const isElement = (element: string): boolean => {
  if (element === SELF) return true;
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return true;
    case 'i:':
      return /^-?\d+$/.test(rest);
    case 'k:':
    case 'v:':
      try {
        const value: unknown = JSON.parse(rest);
        return element.startsWith('v:') || (typeof value === 'object' && value !== null && !Array.isArray(value));
      } catch {
        return false;
      }
  }
  return false;
};

/** A FieldsV1 that a client sent, read; undefined where it is none. `.` at the root counts for nothing. */
export function readFields(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const out: Record<string, Fields> = {};
  for (const element of Object.keys(value).sort()) {
    const below = readFields((value as Readonly<Record<string, unknown>>)[element]);
    if (below === undefined || !isElement(element)) return undefined;
    out[element] = below;
  }
  return out;
}
