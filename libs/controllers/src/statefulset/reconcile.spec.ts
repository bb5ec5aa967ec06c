import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { reconcileStatefulSet, refuseStatefulSet } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const READY = '2026-01-01T00:00:00Z';
const LABELS = { app: 'db' };

const template = (image: string): object => ({ metadata: { labels: LABELS }, spec: { containers: [{ name: 'c', image }] } });
const revision = (name: string, image: string, number: number): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name, namespace: 'default', labels: { ...LABELS, 'controller.kubernetes.io/hash': name.slice(3) } },
  data: { spec: { template: { ...template(image), $patch: 'replace' } } },
  revision: number,
});
const OLD = revision('db-old', 'db:1', 1);
const NEW = revision('db-new', 'db:2', 2);

const set = (spec: Partial<StatefulSet['spec']> = {}, status: Partial<StatefulSetStatus> = {}, metadata: object = {}): StatefulSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default', uid: 'set', generation: 1, ...metadata },
    spec: {
      replicas: 3,
      serviceName: 'db',
      podManagementPolicy: 'OrderedReady',
      selector: { matchLabels: LABELS },
      template: template('db:2'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      ...spec,
    },
    status: { replicas: 0, currentRevision: 'db-new', ...status },
  }) as StatefulSet;

interface PodWish {
  readonly revision?: string;
  readonly ready?: string | false;
  readonly phase?: string;
  readonly deleted?: boolean;
}

const pod = (ordinal: number, wish: PodWish = {}): Pod => {
  const { revision: made = 'db-new', ready = READY, phase = 'Running', deleted } = wish;
  const name = `db-${ordinal}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: {
        ...LABELS,
        'controller-revision-hash': made,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
      },
      ...(deleted ? { deletionTimestamp: READY } : {}),
    },
    spec: { containers: [] },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: ready === false ? 'False' : 'True', ...(ready === false ? {} : { lastTransitionTime: ready }) },
      ],
    },
  };
};

interface Given {
  readonly pods?: readonly Pod[];
  readonly revisions?: readonly ControllerRevision[];
  readonly claims?: readonly PersistentVolumeClaim[];
}

const reconcile = (what: StatefulSet, { pods = [], revisions = [NEW], claims = [] }: Given = {}): ReconcileResult =>
  reconcileStatefulSet(
    {
      set: what,
      owned: pods,
      orphans: [],
      history: { revisions, named: (name) => revisions.find(({ metadata }) => metadata.name === name) },
      claims: (name) => claims.find(({ metadata }) => metadata.name === name),
    },
    NOW,
  );

const acts = ({ changes }: ReconcileResult): readonly string[] =>
  changes
    .filter((change) => change.resource.resource !== 'events' && !(change.verb === 'update' && change.subresource))
    .map((change) => `${change.verb} ${change.verb === 'delete' ? change.name : (change.object.metadata.name ?? '')}`);
const statusIn = ({ changes }: ReconcileResult): StatefulSetStatus | undefined =>
  changes.flatMap((change) => (change.verb === 'update' && change.subresource ? [(change.object as StatefulSet).status] : []))[0];

const claim = (name: string, metadata: object = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, ...metadata },
});
const CLAIMS = [{ ...claim('data'), spec: { accessModes: ['ReadWriteOnce'] } }];
const parallel = { podManagementPolicy: 'Parallel' };
const rolling = (rollingUpdate: object, more: object = {}): Partial<StatefulSet['spec']> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate },
  ...more,
});
const three = (made: string): readonly Pod[] => [0, 1, 2].map((ordinal) => pod(ordinal, { revision: made }));
const rollingOut = { currentRevision: 'db-old' };
const both = [OLD, NEW];

describe('a StatefulSet', () => {
  it.each<[string, StatefulSet, Given, readonly string[]]>([
    ['makes its lowest pod first, and waits for it', set(), {}, ['create db-0']],
    ['makes the next when the one before is ready', set(), { pods: [pod(0)] }, ['create db-1']],
    ['makes none while one before is not', set(), { pods: [pod(0, { ready: false })] }, []],
    ['makes all at once where their order does not matter', set(parallel), {}, ['create db-0', 'create db-1', 'create db-2']],
    ['fills a gap', set(), { pods: [pod(0), pod(2)] }, ['create db-1']],
    ['counts from where it is told to', set({ ordinals: { start: 5 }, replicas: 1 }), {}, ['create db-5']],
    ['takes away the highest, one at a time', set({ replicas: 1 }), { pods: [pod(0), pod(1), pod(2)] }, ['delete db-2']],
    ['waits for the end of one before it takes away the next', set({ replicas: 0 }), { pods: [pod(0), pod(1, { deleted: true })] }, []],
    ['takes none away while another is not ready', set({ replicas: 2 }), { pods: [pod(0, { ready: false }), pod(1), pod(2)] }, []],
    [
      'takes away all at once where their order does not matter',
      set({ ...parallel, replicas: 0 }),
      { pods: [pod(0), pod(1)] },
      ['delete db-1', 'delete db-0'],
    ],
    ['makes a pod again that has failed', set(), { pods: [pod(0, { phase: 'Failed' })] }, ['delete db-0']],
    ['makes a pod again that has succeeded', set(), { pods: [pod(0, { phase: 'Succeeded' })] }, ['delete db-0']],
    ['does nothing while it is being deleted', set({}, {}, { deletionTimestamp: READY }), {}, []],
    [
      'puts back the labels that make a pod the one it is',
      set({ replicas: 1 }),
      { pods: [{ ...pod(0), metadata: { ...pod(0).metadata, labels: { ...LABELS, 'controller-revision-hash': 'db-new' } } }] },
      ['update db-0'],
    ],
  ])('%s', (_rule, what, given, expected) => {
    expect(acts(reconcile(what, given))).toEqual(expected);
  });

  it('gives a pod its name, its place and its claims', () => {
    const result = reconcile(set({ volumeClaimTemplates: CLAIMS }));
    expect(acts(result)).toEqual(['create data-db-0', 'create db-0']);
    expect(result.changes[0]).toMatchObject({ object: { metadata: { labels: LABELS }, spec: { accessModes: ['ReadWriteOnce'] } } });
    expect(result.changes.find((change) => change.verb === 'create' && change.resource.resource === 'pods')).toMatchObject({
      object: {
        metadata: {
          labels: {
            'statefulset.kubernetes.io/pod-name': 'db-0',
            'apps.kubernetes.io/pod-index': '0',
            'controller-revision-hash': 'db-new',
          },
          ownerReferences: [{ uid: 'set', controller: true }],
        },
        spec: { hostname: 'db-0', subdomain: 'db', volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }] },
      },
    });
  });

  it('counts its pods', () => {
    const result = reconcile(set({ minReadySeconds: 60 }), { pods: [pod(0), pod(1, { ready: '2026-01-01T00:59:30Z' })] });
    expect(statusIn(result)).toEqual({
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      currentReplicas: 2,
      updatedReplicas: 2,
      currentRevision: 'db-new',
      updateRevision: 'db-new',
      collisionCount: 0,
      availableReplicas: 1,
    });
    expect(acts(result)).toEqual([]);
    expect(result.requeueAfterMs).toBe(30_000);
  });

  it('says that a pod can not be made', () => {
    const change: Change = { verb: 'create', resource: { group: '', version: 'v1', resource: 'pods' }, object: pod(0) };
    const snapshot = { set: set(), owned: [], orphans: [], history: { revisions: [], named: () => undefined }, claims: () => undefined };
    expect(refuseStatefulSet(snapshot, [{ change, reason: 'Forbidden', message: 'no' }], NOW)).toMatchObject([
      { object: { reason: 'FailedCreate', message: 'create Pod db-0 in StatefulSet db failed error: no', type: 'Warning' } },
    ]);
  });
});

describe('a StatefulSet rolls over to a new template', () => {
  it.each<[string, StatefulSet, Given, readonly string[]]>([
    ['which it records', set({}, rollingOut), { pods: three('db-old'), revisions: [OLD] }, ['create db-6dc5b85c9', 'delete db-2']],
    ['from the highest pod', set({}, rollingOut), { pods: three('db-old'), revisions: both }, ['delete db-2']],
    [
      'one by one',
      set({}, rollingOut),
      { pods: [pod(0, { revision: 'db-old' }), pod(1, { revision: 'db-old' }), pod(2, { ready: false })], revisions: both },
      [],
    ],
    [
      'down to its partition',
      set(rolling({ partition: 2 }), rollingOut),
      { pods: [...three('db-old').slice(0, 2), pod(2)], revisions: both },
      [],
    ],
    [
      'several at a time where it may',
      set(rolling({ maxUnavailable: 2 }), rollingOut),
      { pods: three('db-old'), revisions: both },
      ['delete db-2', 'delete db-1'],
    ],
    [
      'only where pods are deleted, if it is told so',
      set({ updateStrategy: { type: 'OnDelete' } }, rollingOut),
      { pods: three('db-old'), revisions: both },
      [],
    ],
    [
      'first where pods do not run anyway',
      set(rolling({}, parallel), rollingOut),
      { pods: [pod(0, { revision: 'db-old', ready: false }), ...three('db-old').slice(1)], revisions: both },
      ['delete db-0'],
    ],
  ])('%s', (_rule, what, given, expected) => {
    expect(acts(reconcile(what, given)).map((text) => text.replace(/db-[a-z0-9]{8,}$/, 'db-6dc5b85c9'))).toEqual(expected);
  });

  it('makes pods below its partition by the old one', () => {
    const result = reconcile(set(rolling({ partition: 1 }, parallel), rollingOut), { revisions: both });
    const made = result.changes.flatMap((change) =>
      change.verb === 'create' && change.resource.resource === 'pods' ? [change.object.metadata.labels?.['controller-revision-hash']] : [],
    );
    expect(made).toEqual(['db-old', 'db-new', 'db-new']);
  });

  it('and calls it the current one when all are ready', () => {
    expect(statusIn(reconcile(set({}, rollingOut), { pods: three('db-new'), revisions: both }))).toMatchObject({
      currentRevision: 'db-new',
      updateRevision: 'db-new',
      currentReplicas: 3,
      updatedReplicas: 3,
    });
  });

  it('back to one it had, which becomes the newest', () => {
    const result = reconcile(set({ template: template('db:1') as never }), { pods: three('db-new'), revisions: both });
    expect(acts(result)).toEqual(['update db-old', 'delete db-2']);
    expect(result.changes[0]).toMatchObject({ object: { revision: 3 } });
  });

  it('and forgets the oldest that nothing uses', () => {
    const many = [1, 2, 3].map((number) => revision(`db-r${number}`, `x:${number}`, number));
    const newest = revision('db-new', 'db:2', 4);
    const result = reconcile(set({ revisionHistoryLimit: 1 }), { pods: three('db-new'), revisions: [...many, newest] });
    expect(acts(result)).toEqual(['delete db-r1', 'delete db-r2']);
  });

  it('by another name where the first is taken', () => {
    const first = reconcile(set(), { revisions: [] }).changes[0];
    const name = first?.verb === 'create' ? (first.object.metadata.name ?? '') : '';
    const snapshot = {
      set: set(),
      owned: [],
      orphans: [],
      history: { revisions: [], named: (wanted: string) => (wanted === name ? OLD : undefined) },
      claims: () => undefined,
    };
    const result = reconcileStatefulSet(snapshot, NOW);
    expect(acts(result)[0]).not.toBe(`create ${name}`);
    expect(statusIn(result)?.collisionCount).toBe(1);
  });
});

describe('the claims of a StatefulSet', () => {
  const policy = (whenDeleted: string, whenScaled: string): Partial<StatefulSet['spec']> => ({
    volumeClaimTemplates: CLAIMS,
    replicas: 1,
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
  });
  const owners = ({ changes }: ReconcileResult): readonly unknown[] =>
    changes.flatMap((change) =>
      change.verb === 'update' && change.resource.resource === 'persistentvolumeclaims'
        ? [[change.object.metadata.name, change.object.metadata.ownerReferences?.map(({ kind }) => kind)]]
        : [],
    );
  const given = { pods: [pod(0), pod(1)], claims: [claim('data-db-0'), claim('data-db-1')] };

  it.each<[string, Partial<StatefulSet['spec']>, readonly unknown[], readonly string[]]>([
    ['stay', policy('Retain', 'Retain'), [], ['delete db-1']],
    [
      'go with it',
      policy('Delete', 'Retain'),
      [
        ['data-db-0', ['StatefulSet']],
        ['data-db-1', ['StatefulSet']],
      ],
      [],
    ],
    ['go with a pod that is scaled away', policy('Retain', 'Delete'), [['data-db-1', ['Pod']]], []],
    [
      'go with whichever goes first',
      policy('Delete', 'Delete'),
      [
        ['data-db-0', ['StatefulSet']],
        ['data-db-1', ['Pod']],
      ],
      [],
    ],
  ])('%s', (_rule, spec, written, deleted) => {
    const result = reconcile(set(spec), given);
    expect(owners(result)).toEqual(written);
    expect(acts(result).filter((act) => act.startsWith('delete'))).toEqual(deleted);
  });

  it('are let go of again when the policy changes', () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'set' }];
    const result = reconcile(set(policy('Retain', 'Retain')), { pods: [pod(0)], claims: [claim('data-db-0', { ownerReferences })] });
    expect(owners(result)).toEqual([['data-db-0', undefined]]);
  });

  it('are waited for where they still go with an earlier pod', () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: 'gone' }];
    expect(acts(reconcile(set(policy('Retain', 'Delete')), { claims: [claim('data-db-0', { ownerReferences })] }))).toEqual([]);
  });
});
