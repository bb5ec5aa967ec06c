import { isJsonObject, type KubeObject } from '#libs/apimachinery';

import { changesBetween } from './difference.js';
import type { PatchOperation } from './wire.js';

/** How an object differs between two moments. `replaced`: it was deleted, and another of its name was created. */
export interface Difference {
  readonly object: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly difference: 'created' | 'deleted' | 'changed' | 'replaced';
  /** Of an object that was changed or replaced. */
  readonly changes?: readonly PatchOperation[];
}

/** What a comparison is to show besides what somebody wanted. */
export interface ComparisonOptions {
  /** Also what was found out: `status`. */
  readonly status?: boolean;
}

const NOISE = new Set(['kubectl.kubernetes.io/last-applied-configuration']);
const METADATA = new Set(['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp', 'selfLink']);
const TIMES = new Set(['lastHeartbeatTime', 'lastProbeTime', 'lastUpdateTime']);

const keyOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  JSON.stringify([apiVersion.replace(/\/.*$/, ''), kind, metadata.namespace ?? '', metadata.name ?? '']);

type Shape = Readonly<Record<string, unknown>>;

const without = (shape: Shape, names: ReadonlySet<string>): Shape =>
  Object.fromEntries(Object.entries(shape).filter(([key]) => !names.has(key)));

/** A Secret's values are never shown: only that one is another. */
function masked(own: unknown, other: unknown, word: string): unknown {
  if (!isJsonObject(own)) return own;
  const others = isJsonObject(other) ? other : {};
  return Object.fromEntries(
    Object.entries(own).map(([key, value]) => [key, Object.hasOwn(others, key) && others[key] !== value ? `*** (${word})` : '***']),
  );
}

/** The part of an object that is compared. */
function compared(object: KubeObject, other: KubeObject | undefined, word: string, { status = false }: ComparisonOptions): Shape {
  const { metadata, status: found, ...rest } = object as KubeObject & { readonly status?: unknown };
  const { annotations } = metadata as { readonly annotations?: Shape };
  const kept = annotations === undefined ? undefined : without(annotations, NOISE);
  const shape: Shape = {
    ...rest,
    metadata: {
      ...without(metadata as unknown as Shape, METADATA),
      ...(kept === undefined || Object.keys(kept).length === 0 ? { annotations: undefined } : { annotations: kept }),
    },
    ...(status && found !== undefined ? { status: withoutTimes(found, 0) } : {}),
  };
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return shape;
  const others = other as Shape | undefined;
  return { ...shape, data: masked(shape['data'], others?.['data'], word) };
}

const DEEPEST = 32;

function withoutTimes(value: unknown, depth: number): unknown {
  if (depth > DEEPEST) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => withoutTimes(one, depth + 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(without(value, TIMES)).map(([key, one]) => [key, withoutTimes(one, depth + 1)]));
}

const nameOf = ({ apiVersion, kind, metadata: { namespace, name = '' } }: KubeObject): Difference['object'] => ({
  apiVersion,
  kind,
  ...(namespace === undefined ? {} : { namespace }),
  name,
});

/** How one object differs between two moments; undefined where it does not, or was there at neither. */
export function differenceOf(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  options: ComparisonOptions = {},
): Difference | undefined {
  if (before === undefined) return after && { object: nameOf(after), difference: 'created' };
  if (after === undefined) return { object: nameOf(before), difference: 'deleted' };
  const changes = changesBetween(compared(before, after, 'before', options), compared(after, before, 'after', options));
  if (before.metadata.uid !== after.metadata.uid) return { object: nameOf(after), difference: 'replaced', changes };
  return changes.length === 0 ? undefined : { object: nameOf(after), difference: 'changed', changes };
}

/** How two states of the same objects differ, by kind, then namespace and name. */
export function differencesBetween(
  before: readonly KubeObject[],
  after: readonly KubeObject[],
  options: ComparisonOptions = {},
): readonly Difference[] {
  const old = new Map(before.map((object) => [keyOf(object), object]));
  const next = new Map(after.map((object) => [keyOf(object), object]));
  const keys = [...new Set([...old.keys(), ...next.keys()])].sort();
  return keys.map((key) => differenceOf(old.get(key), next.get(key), options)).filter((found) => found !== undefined);
}
