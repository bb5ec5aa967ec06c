import { deepEqual } from '#libs/apimachinery';
import type { Pod, PodStatus } from '#libs/api';

const REPLACED_LISTS: ReadonlySet<string> = new Set(['podIPs', 'hostIPs']);

/**
 * The strategic merge patch that turns a pod's status into another, for the status subresource; undefined when
 * they are equal. Conditions of others are left alone; the uid guards against a pod of the same name.
 */
export function statusPatch(pod: Pod, next: PodStatus): Readonly<Record<string, unknown>> | undefined {
  const old = (pod.status ?? {}) as Readonly<Record<string, unknown>>;
  const wanted = next as Readonly<Record<string, unknown>>;
  const changes: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    const [before, after] = [old[field], wanted[field]];
    if (deepEqual(normal(before), normal(after))) continue;
    if (field === 'conditions') {
      const changed = changedConditions(pod.status, next);
      if (changed.length > 0) changes[field] = changed;
    } else if (after === undefined) {
      if (OWNED.has(field)) changes[field] = null;
    } else changes[field] = REPLACED_LISTS.has(field) ? [...(after as readonly unknown[]), { $patch: 'replace' }] : after;
  }
  if (Object.keys(changes).length === 0) return undefined;
  return { metadata: { uid: pod.metadata.uid }, status: changes };
}

const OWNED: ReadonlySet<string> = new Set(['initContainerStatuses', 'containerStatuses', 'reason', 'message', 'podIP', 'podIPs']);

/** Conditions merge by type, so what one no longer has is said to go: a null. */
function changedConditions(old: PodStatus | undefined, next: PodStatus): readonly unknown[] {
  return (next.conditions ?? []).flatMap((condition) => {
    const before = old?.conditions?.find(({ type }) => type === condition.type);
    if (deepEqual(normal(before), normal(condition))) return [];
    const gone = Object.keys(before ?? {}).filter((field) => !(field in condition));
    return [{ ...condition, ...Object.fromEntries(gone.map((field) => [field, null])) }];
  });
}

/** JSON without nulls and empty structures, which the server writes or drops as its types have it. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).flatMap(([key, field]) => {
    const inner = normal(field);
    const empty = inner === null || inner === undefined || (typeof inner === 'object' && Object.keys(inner).length === 0);
    return empty ? [] : [[key, inner] as const];
  });
  return Object.fromEntries(fields);
}
