/**
 * How the values of one place merge: what structured-merge-diff's schema says, as far as Kubernetes uses it. Places
 * are resolved one by one, because types may contain themselves.
 *
 * - `scalar`: one value with one owner; also what has a structure that nobody merges (raw extensions).
 * - `deduced`: nothing is known; maps merge member by member and lists are atomic.
 * - `map`: a struct or a map. `field` gives the type of a declared field, `items` that of any other member; where both
 *   are absent there is no such field. An atomic map has one owner as a whole.
 * - `list`: `atomic`, a `set` of scalars, or a `map` of items told apart by `keys`; `defaults` are the values of key
 *   fields that an item leaves out.
 */
export type MergeType =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'deduced' }
  | {
      readonly kind: 'map';
      readonly atomic: boolean;
      readonly field: (name: string) => MergeType | undefined;
      readonly items?: () => MergeType;
    }
  | {
      readonly kind: 'list';
      readonly type: 'atomic' | 'set' | 'map';
      readonly keys: readonly string[];
      readonly defaults?: Readonly<Record<string, string | number | boolean>>;
      readonly item: () => MergeType;
    };

/** A type by which a value can be walked: what is deduced has been. */
export type ResolvedType = Exclude<MergeType, { readonly kind: 'deduced' }>;

const SCALAR: ResolvedType = { kind: 'scalar' };
const DEDUCED: MergeType = { kind: 'deduced' };
const DEDUCED_MAP: ResolvedType = { kind: 'map', atomic: false, field: () => undefined, items: () => DEDUCED };
const DEDUCED_LIST: ResolvedType = { kind: 'list', type: 'atomic', keys: [], item: () => DEDUCED };

/** Whether a value is a JSON object. */
export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The type of a place, given the value that is there. */
export function resolved(type: MergeType, value: unknown): ResolvedType {
  if (type.kind !== 'deduced') return type;
  if (Array.isArray(value)) return DEDUCED_LIST;
  return isMap(value) ? DEDUCED_MAP : SCALAR;
}

/** The type of a map's member; undefined where there is no such field. */
export const memberType = (type: Extract<MergeType, { readonly kind: 'map' }>, name: string): MergeType | undefined =>
  type.field(name) ?? type.items?.();
