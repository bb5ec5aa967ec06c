import type { Deployment, ReplicaSet } from '#libs/api';
import { scaledValue } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';

/** How far a rollout may go beyond and below the replicas that are wanted. */
export interface Fencepost {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

export const isRolling = ({ spec }: Deployment): boolean => spec?.strategy?.type === 'RollingUpdate';

export const wanted = ({ spec }: Deployment): number => spec?.replicas ?? 1;

export const sizeOf = ({ spec }: ReplicaSet): number => spec?.replicas ?? 0;

export const totalSize = (all: readonly ReplicaSet[]): number => all.reduce((sum, one) => sum + sizeOf(one), 0);

export const totalAvailable = (all: readonly ReplicaSet[]): number =>
  all.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);

/** Surge rounded up, unavailable down; where both come to nothing, one pod may be missing, else nothing would move. */
export function fencepost(deployment: Deployment): Fencepost {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = wanted(deployment);
  const { maxSurge = 0, maxUnavailable = 0 } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  const unavailable = scaledValue(maxUnavailable, replicas, false);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** How many of the wanted pods may be unavailable: never more than there are. */
export const mostUnavailable = (deployment: Deployment): number =>
  !isRolling(deployment) || wanted(deployment) === 0 ? 0 : Math.min(fencepost(deployment).maxUnavailable, wanted(deployment));

/** The size the new ReplicaSet may have now, given what all of them have. */
export function newSize(deployment: Deployment, all: readonly ReplicaSet[], newest: ReplicaSet): number {
  if (!isRolling(deployment)) return wanted(deployment);
  const surge = scaledValue(deployment.spec?.strategy?.rollingUpdate?.maxSurge ?? 0, wanted(deployment), true);
  const room = wanted(deployment) + surge - totalSize(all);
  if (room <= 0) return sizeOf(newest);
  return sizeOf(newest) + Math.min(room, wanted(deployment) - sizeOf(newest));
}

/** A ReplicaSet and the size it is to have. */
export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly to: number;
}

/**
 * Which old ReplicaSets shrink now: first their unhealthy pods, oldest first, then as many healthy ones as the
 * available pods of all allow.
 */
export function shrinkOld(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] {
  const active = old.filter((one) => sizeOf(one) > 0).sort(byCreation);
  if (active.length === 0) return [];
  const minAvailable = wanted(deployment) - mostUnavailable(deployment);
  const newUnavailable = sizeOf(newest) - (newest.status?.availableReplicas ?? 0);
  let cleanable = totalSize([...active, newest]) - minAvailable - newUnavailable;
  if (cleanable <= 0) return [];
  const steps: Resize[] = [];
  const sizes = new Map(active.map((one) => [one, sizeOf(one)]));
  const shrink = (one: ReplicaSet, by: number): void => {
    if (by <= 0) return;
    const to = (sizes.get(one) ?? 0) - by;
    sizes.set(one, to);
    steps.push({ replicaSet: one, to });
  };
  for (const one of active) {
    const by = Math.min(cleanable, sizeOf(one) - (one.status?.availableReplicas ?? 0));
    if (by <= 0) continue;
    shrink(one, by);
    cleanable -= by;
  }
  let spare = totalAvailable([...active, newest]) - minAvailable;
  for (const one of active) {
    const by = Math.min(sizes.get(one) ?? 0, spare);
    if (by <= 0) continue;
    shrink(one, by);
    spare -= by;
  }
  return steps;
}
