/** The types of CEL's values, and those that a schema declares for a variable. */
export type CelType =
  | { readonly kind: 'bool' | 'int' | 'uint' | 'double' | 'null' | 'dyn' | 'type' | 'timestamp' | 'duration' | 'error' }
  /** `max`: the most characters or bytes a value can have, where a schema bounds it. */
  | { readonly kind: 'string' | 'bytes'; readonly max?: number }
  | { readonly kind: 'list'; readonly element: CelType; readonly max?: number }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType; readonly max?: number }
  | { readonly kind: 'optional'; readonly of: CelType }
  /** A type by its name alone: `kubernetes.Quantity`, `net.IP`. */
  | { readonly kind: 'opaque'; readonly name: string }
  | ObjectType
  /** A parameter of a generic function's signature, or a variable that stands for it during a check. */
  | { readonly kind: 'param'; readonly name: string };

/** A struct with named fields. */
export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** Looked up by the field's name as an expression writes it (see `escapeName`). */
  readonly field: (name: string) => ObjectField | undefined;
}

/** One field of an object type: its name in JSON, and its type. */
export interface ObjectField {
  readonly json: string;
  readonly type: CelType;
}

/** The types without parts. */
export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const UINT: CelType = { kind: 'uint' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const NULL: CelType = { kind: 'null' };
export const DYN: CelType = { kind: 'dyn' };
export const TYPE: CelType = { kind: 'type' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
export const ERROR: CelType = { kind: 'error' };

/** A list of elements of one type; `max` bounds how many. */
export const listOf = (element: CelType, max?: number): CelType => ({ kind: 'list', element, ...(max === undefined ? {} : { max }) });
/** A map from keys to values; `max` bounds how many. */
export const mapOf = (key: CelType, value: CelType, max?: number): CelType => ({
  kind: 'map',
  key,
  value,
  ...(max === undefined ? {} : { max }),
});
/** An optional value of a type. */
export const optionalOf = (of: CelType): CelType => ({ kind: 'optional', of });
/** A struct whose fields are known by their names in JSON: expressions write them escaped. */
export function objectOf(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const byName = new Map<string, ObjectField>();
  for (const [json, type] of Object.entries(fields)) byName.set(escapeName(json) ?? json, { json, type });
  return { kind: 'object', name, field: (field) => byName.get(field) };
}

/** How cel-go names a type in an error. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`;
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case 'optional':
      return `optional_type(${formatType(type.of)})`;
    case 'opaque':
    case 'object':
    case 'param':
      return type.name;
    case 'error':
      return '!error!';
    default:
      return type.kind;
  }
}

/** The words that CEL keeps for itself (its grammar), which Kubernetes surrounds with underscores in a property's name. */
/** The words that no identifier of CEL may be. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

const ESCAPES: readonly (readonly [string, string])[] = [
  ['__', '__underscores__'],
  ['.', '__dot__'],
  ['-', '__dash__'],
  ['/', '__slash__'],
];

/** A property's name as an expression writes it; undefined where none can: it has characters that can't be escaped (apiserver `cel/escaping.go`). */
export function escapeName(name: string): string | undefined {
  if (!/^[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*$/.test(name)) return undefined;
  if (KEYWORDS.has(name)) return `__${name}__`;
  return name.replaceAll(/__|[.\-/]/g, (found) => ESCAPES.find(([from]) => from === found)?.[1] ?? found);
}

/** What `escapeName` made readable: the property's own name. */
export function unescapeName(name: string): string {
  const keyword = /^__(\w+)__$/.exec(name)?.[1];
  if (keyword !== undefined && KEYWORDS.has(keyword)) return keyword;
  return name.replaceAll(/__(underscores|dot|dash|slash)__/g, (escape) => ESCAPES.find(([, to]) => to === escape)?.[0] ?? escape);
}
