import { deepEqual, type KubeObject, type ObjectMeta } from '#libs/apimachinery';

type Json = unknown;
type Fields = Readonly<Record<string, Json>>;

const isFields = (value: Json): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What tells the items of a list apart, the first that all of them have and that no two share. */
const KEYS = ['name', 'uid', 'type', 'key', 'ip', 'containerPort', 'port', 'mountPath', 'topologyKey'];

function keyOf(lists: readonly (readonly Json[])[]): string | undefined {
  return KEYS.find((key) =>
    lists.every((list) => {
      const values = list.map((item) => (isFields(item) ? item[key] : undefined));
      return values.every((value) => value !== undefined) && new Set(values).size === values.length;
    }),
  );
}

function mergedLists(before: readonly Json[], after: readonly Json[], current: readonly Json[]): readonly Json[] {
  const key = keyOf([before, after, current]);
  const has = (list: readonly Json[], item: Json): boolean => list.some((other) => deepEqual(other, item));
  if (key === undefined) {
    // Of fields without names only whole items can have come or gone; an order that was changed is the change.
    if ([...before, ...after, ...current].some(isFields)) return after;
    return [
      ...current.filter((item) => !has(before, item) || has(after, item)),
      ...after.filter((item) => !has(before, item) && !has(current, item)),
    ];
  }
  const named = (list: readonly Json[]): ReadonlyMap<Json, Json> => new Map(list.map((item) => [(item as Fields)[key], item]));
  const [b, a, c] = [named(before), named(after), named(current)];
  const order = [...c.keys(), ...[...a.keys()].filter((name) => !c.has(name))];
  return order.flatMap((name) => {
    const merged = mergedValue(b.get(name), a.get(name), c.get(name));
    return merged === undefined ? [] : [merged];
  });
}

/** A value with what changed between two others done to it as well. Undefined: it is not there. */
function mergedValue(before: Json, after: Json, current: Json): Json {
  if (deepEqual(before, after)) return current;
  if (deepEqual(before, current)) return after;
  if (isFields(after) && isFields(current)) {
    const was = isFields(before) ? before : {};
    const names = [...new Set([...Object.keys(current), ...Object.keys(after)])];
    return Object.fromEntries(
      names.flatMap((name) => {
        const value = mergedValue(was[name], after[name], current[name]);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }
  if (Array.isArray(after) && Array.isArray(current) && (before === undefined || Array.isArray(before))) {
    return mergedLists((before as readonly Json[] | undefined) ?? [], after, current);
  }
  return after;
}

/** What of an object's metadata those who write it decide on. */
const WRITTEN: readonly (keyof ObjectMeta)[] = ['labels', 'annotations', 'finalizers', 'ownerReferences'];

const writtenOf = (metadata: ObjectMeta): Fields =>
  Object.fromEntries(WRITTEN.flatMap((name) => (metadata[name] === undefined ? [] : [[name, metadata[name]]])));

const partOf = ({ metadata, ...rest }: KubeObject, part: 'status' | 'rest'): Fields => {
  const { status, apiVersion: _, kind: __, ...fields } = rest as Fields;
  return part === 'status' ? { status } : { ...fields, metadata: writtenOf(metadata) };
};

/**
 * The object that stands somewhere else, after the same change was made to it: the fields that the change set are set, those it
 * took away are gone, all others stay what they are. Two that gave a field different values: the change wins, as it would have.
 */
export function changedAlike(before: KubeObject, after: KubeObject, current: KubeObject, part: 'status' | 'rest'): KubeObject {
  const { metadata, ...merged } = mergedValue(partOf(before, part), partOf(after, part), partOf(current, part)) as Fields & {
    metadata?: Fields;
  };
  if (part === 'status') return { ...current, ...merged };
  const { labels: _, annotations: __, finalizers: ___, ownerReferences: ____, ...own } = current.metadata;
  const { apiVersion, kind } = current;
  const status = (current as KubeObject & Fields)['status'];
  return { apiVersion, kind, ...merged, ...(status === undefined ? {} : { status }), metadata: { ...own, ...metadata } };
}
