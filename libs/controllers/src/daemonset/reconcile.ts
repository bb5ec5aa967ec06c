import {
  CONTROLLERREVISIONS,
  DAEMONSETS,
  isPodAvailable,
  isPodReady,
  PODS,
  tell,
  tellEach,
  type ControllerRevision,
  type DaemonSet,
  type DaemonSetStatus,
  type Node,
  type Pod,
  type Telling,
} from '#libs/api';
import {
  deepEqual,
  GENERATED_NAME,
  labelSelectorOf,
  type Change,
  type GroupVersionResource,
  type Instant,
  type KubeObject,
  type Reconcile,
  type Refusal,
} from '#libs/apimachinery';
import { nextAvailability } from '../availability.js';
import { hashOf, oldestFirst, recorded, REVISION_HASH, truncated, type History } from '../history/revisions.js';
import { byCreation } from '../ordering.js';
import { adoptedBy, claim, releasedFrom, type Claims } from '../ownership.js';
import { isEnding } from '../refusals.js';
import { daemonsByNode, managed, type Daemons, type Plan } from './daemons.js';
import { isUpdated, nodeOf, podFor, wantedOn } from './placement.js';
import { rollingUpdate } from './rolling-update.js';

const COMPONENT = 'daemonset-controller';
/** Upstream's BurstReplicas. */
const MOST_AT_ONCE = 250;

export interface DaemonSetSnapshot {
  readonly daemonSet: DaemonSet;
  /** By name. */
  readonly nodes: readonly Node[];
  /** Pods this DaemonSet controls, and those of its namespace that nobody does. */
  readonly owned: readonly Pod[];
  readonly orphans: readonly Pod[];
  readonly history: History;
  /** Revisions of its namespace that nobody controls. */
  readonly orphanRevisions: readonly ControllerRevision[];
}

const claiming = <T extends KubeObject>(owner: DaemonSet, resource: GroupVersionResource, claims: Claims<T>): readonly Change[] => [
  ...claims.adopted.map((object): Change => ({ verb: 'update', resource, object: adoptedBy(owner, object) })),
  ...claims.released.map((object): Change => ({ verb: 'update', resource, object: releasedFrom(owner.metadata.uid ?? '', object) })),
];

/** Keeps one daemon on each node that is to have one, and rolls daemons over to a new template. */
export const reconcileDaemonSet: Reconcile<DaemonSetSnapshot> = (snapshot, now) => {
  const { daemonSet, nodes, owned, orphans, orphanRevisions, history } = snapshot;
  if (daemonSet.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const selector = labelSelectorOf(daemonSet.spec?.selector);
  const pods = claim(daemonSet, selector, owned, orphans);
  const revisions = claim(daemonSet, selector, history.revisions, orphanRevisions);
  const adopting = [...claiming(daemonSet, PODS, pods), ...claiming(daemonSet, CONTROLLERREVISIONS, revisions)];
  // What is adopted has moved: it counts when it has been seen with its owner.
  if (adopting.length > 0) return { changes: adopting };
  const collisionCount = daemonSet.status?.collisionCount ?? 0;
  const template = daemonSet.spec?.template ?? {};
  const past: History = { ...history, revisions: oldestFirst(revisions.kept) };
  const record = recorded({ owner: daemonSet, template, collisionCount, hashLabel: REVISION_HASH }, past);
  const hash = hashOf(record.revision);
  const daemons: Daemons = { daemonSet, nodes, byNode: daemonsByNode(pods.kept), hash, now };
  const plan = planOf(daemons);
  const status = statusOf(daemons, record.collisionCount);
  const live = new Set(past.revisions.filter((one) => isLive(one, pods.kept, hash)).map(({ metadata }) => metadata.name ?? ''));
  const changes = [
    ...record.changes,
    ...changesOf(daemons, plan),
    ...report(daemonSet, status),
    ...truncated(past, live, daemonSet.spec?.revisionHistoryLimit ?? 10),
  ];
  const available = nextAvailability(pods.kept, daemonSet.spec?.minReadySeconds ?? 0, now);
  const waits = [available, plan.requeueAfterMs].filter((wait) => wait !== undefined);
  return waits.length === 0 ? { changes } : { changes, requeueAfterMs: Math.min(...waits) };
};

/** First every node gets what it is to have; a rollout goes on when that has been seen. */
function planOf(daemons: Daemons): Plan {
  const plan = managed(daemons);
  return plan.create.length + plan.remove.length > 0 ? plan : { ...plan, ...rollingUpdate(daemons) };
}

function isLive(revision: ControllerRevision, pods: readonly Pod[], hash: string): boolean {
  const own = hashOf(revision);
  return own === hash || pods.some((pod) => isUpdated(pod, own));
}

function toldOf({ daemonSet, now }: Daemons, { pod, why }: Plan['remove'][number]): readonly Change[] {
  if (why === undefined) return [];
  const found = `daemon pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} on node ${nodeOf(pod)}`;
  const telling: Telling =
    why === 'Failed'
      ? { about: daemonSet, type: 'Warning', reason: 'FailedDaemonPod', message: `Found failed ${found}, will try to kill it` }
      : { about: daemonSet, type: 'Normal', reason: 'SucceededDaemonPod', message: `Found succeeded ${found}, will try to delete it` };
  return [tell(COMPONENT, telling, now)];
}

function changesOf(daemons: Daemons, { create, remove }: Plan): readonly Change[] {
  const { daemonSet, hash, now } = daemons;
  const creations = create.slice(0, MOST_AT_ONCE).map((node) => ({
    change: { verb: 'create', resource: PODS, object: podFor(daemonSet, hash, node) } satisfies Change,
    telling: { about: daemonSet, type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${GENERATED_NAME}` } satisfies Telling,
  }));
  const doomed = remove.slice(0, MOST_AT_ONCE);
  const deletions = doomed.map(({ pod: { metadata } }) => {
    const { name = '', namespace = '', uid } = metadata;
    return {
      change: {
        verb: 'delete',
        resource: PODS,
        namespace,
        name,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      } satisfies Change,
      telling: { about: daemonSet, type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` } satisfies Telling,
    };
  });
  return [...doomed.flatMap((one) => toldOf(daemons, one)), ...tellEach(COMPONENT, creations, now), ...tellEach(COMPONENT, deletions, now)];
}

/** What there is on how many nodes. */
function statusOf({ daemonSet, nodes, byNode, hash, now }: Daemons, collisionCount: number): DaemonSetStatus {
  let [desired, current, misscheduled, ready, available, updated] = [0, 0, 0, 0, 0, 0];
  for (const node of nodes) {
    const [oldest] = [...(byNode.get(node.metadata.name ?? '') ?? [])].sort(byCreation);
    const { run } = wantedOn(daemonSet, node);
    if (!run && oldest) misscheduled++;
    if (run) desired++;
    if (!run || !oldest) continue;
    current++;
    if (isPodReady(oldest)) ready++;
    if (isPodAvailable(oldest, daemonSet.spec?.minReadySeconds ?? 0, now)) available++;
    if (isUpdated(oldest, hash)) updated++;
  }
  const { conditions } = daemonSet.status ?? {};
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    observedGeneration: daemonSet.metadata.generation ?? 0,
    ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
    ...(available > 0 ? { numberAvailable: available } : {}),
    ...(desired > available ? { numberUnavailable: desired - available } : {}),
    ...(collisionCount > 0 ? { collisionCount } : {}),
    ...(conditions ? { conditions } : {}),
  };
}

function report(daemonSet: DaemonSet, status: DaemonSetStatus): readonly Change[] {
  if (deepEqual(status, daemonSet.status)) return [];
  const object: DaemonSet = { ...daemonSet, status };
  return [{ verb: 'update', resource: DAEMONSETS, subresource: 'status', object }];
}

/** Says on the DaemonSet that a daemon could not be made or taken away. */
export function refuseDaemonSet({ daemonSet }: DaemonSetSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.resource.resource === PODS.resource && change.verb !== 'update');
  if (!refusal || isEnding(refusal)) return [];
  const [reason, what] = refusal.change.verb === 'delete' ? ['FailedDelete', 'Error deleting'] : ['FailedCreate', 'Error creating'];
  return [tell(COMPONENT, { about: daemonSet, type: 'Warning', reason, message: `${what}: ${refusal.message}` }, now)];
}
