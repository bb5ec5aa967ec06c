import type { Deployment, ReplicaSet } from '#libs/api';
import { byCreation } from '../ordering.js';
import { desiredReplicas, mostReplicas } from './annotations.js';
import { fencepost, isRolling, sizeOf, totalSize, wanted, type Resize } from './rolling-update.js';

/** The Deployment was scaled since its ReplicaSets were last sized. */
export const isScaling = (deployment: Deployment, all: readonly ReplicaSet[]): boolean =>
  all.some((one) => {
    const desired = desiredReplicas(one);
    return sizeOf(one) > 0 && desired !== undefined && desired !== wanted(deployment);
  });

/** The one ReplicaSet that has pods, or where none has the newest; undefined where several have. */
function activeOrLatest(newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const active = [...old, ...(newest ? [newest] : [])].filter((one) => sizeOf(one) > 0);
  if (active.length > 1) return undefined;
  return active[0] ?? newest ?? [...old].sort(byCreation).at(-1);
}

const isSaturated = (deployment: Deployment, newest: ReplicaSet | undefined): boolean =>
  newest !== undefined &&
  sizeOf(newest) === wanted(deployment) &&
  desiredReplicas(newest) === wanted(deployment) &&
  (newest.status?.availableReplicas ?? 0) === wanted(deployment);

/** Half is rounded away from zero, as upstream's RoundToInt32. */
const round = (value: number): number => (value < 0 ? Math.ceil(value - 0.5) : Math.floor(value + 0.5));

/** The part of a change in size that falls to one ReplicaSet, by its share of the pods there were. */
function share(deployment: Deployment, one: ReplicaSet): number {
  if (wanted(deployment) === 0) return -sizeOf(one);
  const before = mostReplicas(one) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return round((sizeOf(one) * (wanted(deployment) + fencepost(deployment).maxSurge)) / before) - sizeOf(one);
}

/** Larger first; among equals the newer first when growing, the older when shrinking. */
const bySize =
  (growing: boolean) =>
  (a: ReplicaSet, b: ReplicaSet): number =>
    sizeOf(b) - sizeOf(a) || (growing ? byCreation(b, a) : byCreation(a, b));

function proportional(deployment: Deployment, all: readonly ReplicaSet[]): readonly Resize[] {
  const allowed = wanted(deployment) > 0 ? wanted(deployment) + fencepost(deployment).maxSurge : 0;
  const toAdd = allowed - totalSize(all);
  let added = 0;
  const resizes = [...all].sort(bySize(toAdd > 0)).map((replicaSet) => {
    if (toAdd === 0 || toAdd === added) return { replicaSet, to: sizeOf(replicaSet) };
    const part = share(deployment, replicaSet);
    const by = toAdd > 0 ? Math.min(part, toAdd - added) : Math.max(part, toAdd - added);
    added += by;
    return { replicaSet, to: sizeOf(replicaSet) + by };
  });
  return resizes.map((resize, i) => (i === 0 ? { ...resize, to: Math.max(0, resize.to + toAdd - added) } : resize));
}

/**
 * The sizes after the Deployment itself was scaled, or while it is paused: all to the one ReplicaSet that has pods,
 * none to old ones once the new one is complete, and in the middle of a rollout to each in proportion.
 */
export function scaled(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): readonly Resize[] {
  const only = activeOrLatest(newest, old);
  if (only) return [{ replicaSet: only, to: wanted(deployment) }];
  const active = old.filter((one) => sizeOf(one) > 0);
  if (isSaturated(deployment, newest)) return active.map((replicaSet) => ({ replicaSet, to: 0 }));
  if (!isRolling(deployment)) return [];
  return proportional(deployment, [...active, ...(newest && sizeOf(newest) > 0 ? [newest] : [])]);
}
