import type { Pod, ReplicaSet } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { BURST_REPLICAS, reconcileReplicaSet, refuseReplicaSet } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const LABELS = { app: 'web' };

const replicaSet = (replicas: number, more: Partial<ReplicaSet['spec']> = {}, metadata: object = {}): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'default', uid: 'rs', generation: 1, ...metadata },
  spec: {
    replicas,
    selector: { matchLabels: LABELS },
    template: { metadata: { labels: LABELS }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...more,
  },
});

interface PodWish {
  readonly name: string;
  readonly ready?: string | false;
  readonly phase?: string;
  readonly node?: string;
  readonly deleted?: boolean;
  readonly labels?: Record<string, string>;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
}

const pod = ({
  name,
  ready = '2026-01-01T00:00:00Z',
  phase = 'Running',
  node = 'n1',
  deleted,
  labels = LABELS,
  cost,
  restarts = 0,
  created,
}: PodWish): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    labels,
    creationTimestamp: created ?? '2026-01-01T00:00:00Z',
    ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    ...(deleted ? { deletionTimestamp: '2026-01-01T00:30:00Z' } : {}),
  },
  spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
  status: {
    phase,
    conditions: [{ type: 'Ready', status: ready === false ? 'False' : 'True', ...(ready === false ? {} : { lastTransitionTime: ready }) }],
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }],
  },
});

const reconcile = (rs: ReplicaSet, owned: readonly Pod[], orphans: readonly Pod[] = [], related: readonly Pod[] = owned): ReconcileResult =>
  reconcileReplicaSet({ replicaSet: rs, owned, orphans, related: () => related }, NOW);

const said = (change: Change): string =>
  change.verb === 'delete'
    ? `delete ${change.name}`
    : `${change.verb} ${change.resource.resource}${change.subresource ? `/${change.subresource}` : ''} ${change.object.metadata.name ?? change.object.metadata.generateName ?? ''}`;

const withoutEvents = ({ changes }: ReconcileResult): readonly string[] =>
  changes.filter(({ resource }) => resource.resource !== 'events').map(said);

const deleted = (result: ReconcileResult): readonly string[] =>
  result.changes.flatMap((change) => (change.verb === 'delete' ? [change.name] : []));

describe('a ReplicaSet', () => {
  it('creates the pods it lacks, then says how many it has', () => {
    expect(withoutEvents(reconcile(replicaSet(2), [pod({ name: 'a' })]))).toEqual(['create pods web-', 'update replicasets/status web']);
  });

  it('creates no more than a burst of pods in one pass', () => {
    expect(withoutEvents(reconcile(replicaSet(2000), [])).filter((text) => text.startsWith('create'))).toHaveLength(BURST_REPLICAS);
  });

  it('tells of ten pods one by one and of the rest together', () => {
    const events = reconcile(replicaSet(30), []).changes.filter(({ resource }) => resource.resource === 'events');
    expect(events).toHaveLength(11);
    expect(events.at(-1)).toMatchObject({ object: { message: '(combined from similar events): Created pod: {generatedName}', count: 20 } });
  });

  it('does not count pods that have ended or are being deleted', () => {
    const pods = [pod({ name: 'a', phase: 'Failed' }), pod({ name: 'b', deleted: true })];
    const result = reconcile(replicaSet(1), pods);
    expect(withoutEvents(result)).toEqual(['create pods web-', 'update replicasets/status web']);
    expect(result.changes.at(-1)).toMatchObject({ object: { status: { replicas: 0, terminatingReplicas: 1 } } });
  });

  it('does nothing to pods while it is being deleted itself', () => {
    expect(withoutEvents(reconcile(replicaSet(3, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), []))).toEqual([
      'update replicasets/status web',
    ]);
  });

  it('adopts pods that it selects and nobody controls, and lets go of those it no longer selects', () => {
    const result = reconcile(replicaSet(1), [pod({ name: 'mine', labels: { app: 'other' } })], [pod({ name: 'found' })]);
    expect(withoutEvents(result)).toEqual(['update pods found', 'update pods mine', 'update replicasets/status web']);
    expect(result.changes[0]).toMatchObject({
      object: { metadata: { ownerReferences: [{ uid: 'rs', controller: true, blockOwnerDeletion: true }] } },
    });
  });

  it('writes nothing where nothing has changed', () => {
    const settled: ReplicaSet = {
      ...replicaSet(1),
      status: { replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 },
    };
    expect(reconcile(settled, [pod({ name: 'a' })])).toEqual({ changes: [] });
  });

  it('looks again when a ready pod will have been ready for long enough', () => {
    const result = reconcile(replicaSet(1, { minReadySeconds: 60 }), [pod({ name: 'a', ready: '2026-01-01T00:59:30Z' })]);
    expect(result.requeueAfterMs).toBe(30_000);
    expect(result.changes.at(-1)).toMatchObject({ object: { status: { readyReplicas: 1, availableReplicas: 0 } } });
  });

  it('says once that its pods can not be created, with the reason it was given', () => {
    const snapshot = { replicaSet: replicaSet(1), owned: [], orphans: [], related: () => [] };
    const change: Change = { verb: 'create', resource: { group: '', version: 'v1', resource: 'pods' }, object: pod({ name: 'x' }) };
    const changes = refuseReplicaSet(snapshot, [{ change, reason: 'Forbidden', message: 'no' }], NOW);
    expect(changes).toMatchObject([
      { object: { reason: 'FailedCreate', message: 'Error creating: no', type: 'Warning' } },
      {
        subresource: 'status',
        object: { status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no' }] } },
      },
    ]);
  });
});

describe('the pod that a ReplicaSet gives up first', () => {
  const b = pod({ name: 'b' });
  it.each<[string, PodWish]>([
    ['has no node yet', { name: 'a', node: '' }],
    ['is pending', { name: 'a', phase: 'Pending' }],
    ['is not ready', { name: 'a', ready: false }],
    ['is cheaper to delete', { name: 'a', cost: '-5' }],
    ['has been ready for a shorter time', { name: 'a', ready: '2026-01-01T00:59:00Z' }],
    ['has restarted more often', { name: 'a', restarts: 3 }],
    ['is younger', { name: 'a', created: '2026-01-01T00:59:00Z' }],
  ])('%s', (_why, wish) => {
    expect(deleted(reconcile(replicaSet(1), [b, pod(wish)]))).toEqual(['a']);
    expect(deleted(reconcile(replicaSet(1), [pod(wish), b]))).toEqual(['a']);
  });

  it('shares its node with more pods of the same Deployment', () => {
    const a = pod({ name: 'a', node: 'n2' });
    expect(deleted(reconcile(replicaSet(1), [a, b], [], [a, b, pod({ name: 'c', node: 'n2' })]))).toEqual(['a']);
  });
});
