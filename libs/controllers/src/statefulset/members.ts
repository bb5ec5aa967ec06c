import { isPodAvailable, isPodReady, type ControllerRevision, type Pod, type StatefulSet } from '#libs/api';
import type { Instant } from '#libs/apimachinery';
import { ordinalOf, replicasOf, startOf } from './identity.js';

/** A place among a StatefulSet's pods, and the pod that has it. */
export interface Replica {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** A pod whose ordinal is no longer wanted. */
export interface Condemned {
  readonly ordinal: number;
  readonly pod: Pod;
}

/** The pods of a StatefulSet by what is to become of them. */
export interface Members {
  /** By ordinal, lowest first. */
  readonly replicas: readonly Replica[];
  /** By ordinal, highest first: the order in which they go. */
  readonly condemned: readonly Condemned[];
}

export function membersOf(set: StatefulSet, pods: readonly Pod[]): Members {
  const [start, end] = [startOf(set), startOf(set) + replicasOf(set)];
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end))
    .map(([ordinal, pod]) => ({ ordinal, pod }))
    .sort((a, b) => b.ordinal - a.ordinal);
  const replicas = Array.from({ length: end - start }, (_, index) => ({ ordinal: start + index, pod: byOrdinal.get(start + index) }));
  return { replicas, condemned };
}

export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod);

export const isRunningAndAvailable = ({ spec }: StatefulSet, pod: Pod, now: Instant): boolean =>
  pod.status?.phase === 'Running' && isPodAvailable(pod, spec?.minReadySeconds ?? 0, now);

export const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

/** The two templates between which a rollout moves. */
export interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}
