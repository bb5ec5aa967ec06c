import { ownMember, setOwnMember } from '#libs/apimachinery';
import { elementOf, itemsByElement } from './element.js';
import { isMap, memberType, resolved, type MergeType, type ResolvedType } from './merge-type.js';

/**
 * The live value with an applied one merged into it: what the applied one sets wins, what it leaves out stays. Items of
 * lists keep the live order, except that shared items follow the applied one's.
 */
export function merge(type: MergeType, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  if (live === undefined || applied === null) return applied;
  const is = resolved(type, applied);
  if (is.kind === 'map' && !is.atomic && isMap(applied) && isMap(live)) return mergeMaps(is, live, applied);
  if (is.kind === 'list' && is.type !== 'atomic' && Array.isArray(applied) && Array.isArray(live)) {
    return mergeLists(is, live, applied);
  }
  return applied;
}

function mergeMaps(
  type: Extract<ResolvedType, { readonly kind: 'map' }>,
  live: Readonly<Record<string, unknown>>,
  applied: Readonly<Record<string, unknown>>,
): unknown {
  const out: Record<string, unknown> = { ...live };
  for (const name of Object.keys(applied)) {
    const is = memberType(type, name);
    setOwnMember(out, name, is === undefined ? applied[name] : merge(is, ownMember(live, name), applied[name]));
  }
  return out;
}

/**
 * Walks both lists at once: live items that are not applied keep their places, applied ones come in the order in which
 * they were applied.
 */
function mergeLists(
  type: Extract<ResolvedType, { readonly kind: 'list' }>,
  live: readonly unknown[],
  applied: readonly unknown[],
): readonly unknown[] {
  const ofLive = itemsByElement(type, live);
  const ofApplied = itemsByElement(type, applied);
  const order = [...ofApplied.keys()];
  const shared = order.filter((element) => ofLive.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  let wanted = 0;
  let at = 0;
  const take = (element: string): void => {
    merged.add(element);
    const same = ofLive.get(element) ?? [];
    out.push(merge(type.item(), same.length === 1 ? same[0] : undefined, ofApplied.get(element)?.[0]));
    if (shared[wanted] === element) wanted += 1;
  };
  for (const item of live) {
    const element = elementOf(type, item);
    if (element === undefined || !ofApplied.has(element)) {
      out.push(item);
      continue;
    }
    // An item that comes in its turn brings along what was applied before it and is new.
    if (merged.has(element) || shared[wanted] !== element) continue;
    while (order[at] !== undefined && order[at] !== element) take(order[at++] ?? '');
    take(element);
    at += 1;
  }
  for (; at < order.length; at += 1) take(order[at] ?? '');
  return out;
}
