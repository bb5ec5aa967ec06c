/**
 * How the values of one place merge: what structured-merge-diff's schema says, as far as Kubernetes uses it. Places
 * are resolved one by one, because types may contain themselves.
 *
 * - `scalar`: one value, one owner.
 * - `deduced`: nothing is known; maps merge member by member and lists are atomic.
 * - `map`: a struct or a map. `member` gives the type of a member; undefined: there is no such field. An atomic map
 *   has one owner as a whole.
 * - `list`: `atomic`, a `set` of scalars, or a `map` of items told apart by `keys`; `defaults` are the values of key
 *   fields that an item leaves out.
 */
export type MergeType =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'deduced' }
  | { readonly kind: 'map'; readonly atomic: boolean; readonly member: (name: string) => MergeType | undefined }
  | {
      readonly kind: 'list';
      readonly type: 'atomic' | 'set' | 'map';
      readonly keys: readonly string[];
      readonly defaults?: Readonly<Record<string, string | number | boolean>>;
      readonly item: () => MergeType;
    };
