import { tell, tellEach, isPodActive, isPodAvailable, isPodReady, isPodTerminal, PODS, REPLICASETS } from '#libs/api';
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '#libs/api';
import { deepEqual, GENERATED_NAME, labelSelectorOf, selectorFromLabels } from '#libs/apimachinery';
import type { Change, Instant, Reconcile, Refusal } from '#libs/apimachinery';
import { nextAvailability } from '../availability.js';
import { conditionOf, withCondition } from '../conditions.js';
import { isEnding } from '../refusals.js';
import { adoptedBy, claim, controllerReference, releasedFrom } from '../ownership.js';
import { inDeletionOrder } from './deletion-order.js';

/** Most pods created or deleted in one pass, as in kube-controller-manager. */
export const BURST_REPLICAS = 500;

const COMPONENT = 'replicaset-controller';

export interface ReplicaSetSnapshot {
  readonly replicaSet: ReplicaSet;
  /** Pods this ReplicaSet controls, in any phase. */
  readonly owned: readonly Pod[];
  /** Pods of its namespace that nobody controls. */
  readonly orphans: readonly Pod[];
  /** Pods of every ReplicaSet with the same controller; asked for only where pods are to be deleted. */
  readonly related: () => readonly Pod[];
}

/** Keeps `spec.replicas` active pods in existence, and reports how many there are. */
export const reconcileReplicaSet: Reconcile<ReplicaSetSnapshot> = (snapshot, now) => {
  const { replicaSet, owned, orphans } = snapshot;
  const claims = claim(replicaSet, labelSelectorOf(replicaSet.spec?.selector), owned, orphans.filter(isPodActive));
  const claimed = [...claims.kept, ...claims.adopted];
  const active = claimed.filter(isPodActive);
  const claiming: readonly Change[] = [
    ...claims.adopted.map((pod): Change => ({ verb: 'update', resource: PODS, object: adoptedBy(replicaSet, pod) })),
    ...claims.released
      .filter(isPodActive)
      .map((pod): Change => ({ verb: 'update', resource: PODS, object: releasedFrom(replicaSet.metadata.uid ?? '', pod) })),
  ];
  const scaling = replicaSet.metadata.deletionTimestamp === undefined ? scale(snapshot, active, now) : [];
  const status = statusOf(replicaSet, claimed, active, now);
  const changes = [...claiming, ...scaling, ...report(replicaSet, status)];
  const requeueAfterMs = nextAvailability(active, replicaSet.spec?.minReadySeconds ?? 0, now);
  return requeueAfterMs === undefined ? { changes } : { changes, requeueAfterMs };
};

/** Says on the ReplicaSet that its pods could not be created or deleted. */
export function refuseReplicaSet({ replicaSet }: ReplicaSetSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.resource.resource === PODS.resource && change.verb !== 'update');
  if (!refusal || isEnding(refusal)) return [];
  const failed = refusal.change.verb === 'delete' ? 'FailedDelete' : 'FailedCreate';
  const message = `${refusal.change.verb === 'delete' ? 'Error deleting' : 'Error creating'}: ${refusal.message}`;
  const told = tell(COMPONENT, { about: replicaSet, type: 'Warning', reason: failed, message }, now);
  if (conditionOf(replicaSet.status?.conditions, 'ReplicaFailure')) return [told];
  const condition: ReplicaSetCondition = { type: 'ReplicaFailure', status: 'True', reason: failed, message: refusal.message };
  const status: ReplicaSetStatus = {
    ...(replicaSet.status ?? { replicas: 0 }),
    conditions: withCondition(replicaSet.status?.conditions, condition, now),
    observedGeneration: replicaSet.metadata.generation ?? 0,
  };
  return [told, ...report(replicaSet, status)];
}

const wantedReplicas = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;

function scale({ replicaSet, related }: ReplicaSetSnapshot, active: readonly Pod[], now: Instant): readonly Change[] {
  const surplus = active.length - wantedReplicas(replicaSet);
  if (surplus < 0) return create(replicaSet, Math.min(-surplus, BURST_REPLICAS), now);
  if (surplus === 0) return [];
  const doomed = inDeletionOrder(active, related(), now).slice(0, Math.min(surplus, BURST_REPLICAS));
  const deletions = doomed.map(({ metadata: { name = '', namespace = '', uid } }) => ({
    change: { verb: 'delete', resource: PODS, namespace, name, ...(uid === undefined ? {} : { preconditions: { uid } }) } satisfies Change,
    telling: { about: replicaSet, type: 'Normal' as const, reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` },
  }));
  return tellEach(COMPONENT, deletions, now);
}

function create(replicaSet: ReplicaSet, count: number, now: Instant): readonly Change[] {
  const one = {
    change: { verb: 'create', resource: PODS, object: podFor(replicaSet) } satisfies Change,
    telling: { about: replicaSet, type: 'Normal' as const, reason: 'SuccessfulCreate', message: `Created pod: ${GENERATED_NAME}` },
  };
  return tellEach(COMPONENT, Array<typeof one>(count).fill(one), now);
}

function podFor(replicaSet: ReplicaSet): Pod {
  const { name = '', namespace = '' } = replicaSet.metadata;
  const { metadata, spec } = replicaSet.spec?.template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata?.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(replicaSet)],
    },
    ...(spec ? { spec } : {}),
  };
}

function statusOf(replicaSet: ReplicaSet, claimed: readonly Pod[], active: readonly Pod[], now: Instant): ReplicaSetStatus {
  const template = selectorFromLabels(replicaSet.spec?.template?.metadata?.labels ?? {});
  const terminating = claimed.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod));
  const { conditions, ...rest } = replicaSet.status ?? { replicas: 0 };
  const left = (conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  return {
    ...rest,
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) => template.matches(metadata.labels)).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: active.filter((pod) => isPodAvailable(pod, replicaSet.spec?.minReadySeconds ?? 0, now)).length,
    terminatingReplicas: terminating.length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(left.length > 0 ? { conditions: left } : {}),
  };
}

/** Counts that are zero are not stored: absent and zero are the same here. */
const counted = ({
  replicas,
  fullyLabeledReplicas,
  readyReplicas,
  availableReplicas,
  terminatingReplicas,
  observedGeneration,
  conditions,
}: ReplicaSetStatus) => [
  replicas,
  fullyLabeledReplicas ?? 0,
  readyReplicas ?? 0,
  availableReplicas ?? 0,
  terminatingReplicas ?? 0,
  observedGeneration ?? 0,
  conditions ?? [],
];

function report(replicaSet: ReplicaSet, status: ReplicaSetStatus): readonly Change[] {
  if (replicaSet.status && deepEqual(counted(status), counted(replicaSet.status))) return [];
  const object: ReplicaSet = { ...replicaSet, status };
  return [{ verb: 'update', resource: REPLICASETS, subresource: 'status', object }];
}
