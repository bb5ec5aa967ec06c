import type { Deployment, ReplicaSet } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { controllerReference } from '../ownership.js';
import { reconcileDeployment } from './reconcile.js';
import { nextName, replicaSetFor, sameTemplate, templateHash } from './template.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');

interface Wish {
  readonly replicas?: number;
  readonly image?: string;
  readonly strategy?: 'Recreate' | 'RollingUpdate';
  readonly maxSurge?: number | string;
  readonly maxUnavailable?: number | string;
  readonly paused?: boolean;
  readonly status?: Deployment['status'];
  readonly annotations?: Record<string, string>;
}

const deployment = (wish: Wish = {}): Deployment => {
  const { replicas = 4, image = 'web:2', strategy = 'RollingUpdate', maxSurge = 1, maxUnavailable = 1, paused, status, annotations } = wish;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 1, ...(annotations ? { annotations } : {}) },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
      strategy: strategy === 'Recreate' ? { type: strategy } : { type: strategy, rollingUpdate: { maxSurge, maxUnavailable } },
      revisionHistoryLimit: 1,
      progressDeadlineSeconds: 600,
      ...(paused === undefined ? {} : { paused }),
    },
    ...(status ? { status } : {}),
  };
};

const replicaSet = (image: string, size: number, available: number, revision: number, desired = 4): ReplicaSet => {
  const made = replicaSetFor(deployment({ image }));
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: image,
      generation: 1,
      creationTimestamp: `2026-01-01T00:0${revision}:00Z`,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(desired + 1),
      },
      ownerReferences: [controllerReference(deployment())],
    },
    spec: { ...made.spec, replicas: size },
    status: { replicas: size, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
};

const reconcile = (
  d: Deployment,
  owned: readonly ReplicaSet[],
  more: { namesake?: ReplicaSet; orphans?: readonly ReplicaSet[]; running?: boolean } = {},
): ReconcileResult =>
  reconcileDeployment(
    { deployment: d, owned, orphans: more.orphans ?? [], namesake: more.namesake, running: () => more.running ?? false },
    NOW,
  );

const sizes = ({ changes }: ReconcileResult): Record<string, number | undefined> =>
  Object.fromEntries(
    changes.flatMap((change) =>
      change.verb !== 'delete' && change.resource.resource === 'replicasets'
        ? [[(change.object as ReplicaSet).spec?.template?.spec?.containers[0]?.image ?? '', (change.object as ReplicaSet).spec?.replicas]]
        : [],
    ),
  );

const status = ({ changes }: ReconcileResult): Deployment['status'] =>
  changes
    .flatMap((change) =>
      change.verb === 'update' && change.resource.resource === 'deployments' ? [(change.object as Deployment).status] : [],
    )
    .at(-1);

const condition = (result: ReconcileResult, type: string) => status(result)?.conditions?.find((one) => one.type === type);

const told = ({ changes }: ReconcileResult): readonly string[] =>
  changes.flatMap((change: Change) =>
    change.verb === 'create' && change.resource.resource === 'events' ? [(change.object as unknown as { message: string }).message] : [],
  );

describe('a Deployment', () => {
  it('makes a ReplicaSet for its template, named and labelled by its hash', () => {
    const result = reconcile(deployment({ annotations: { 'kubernetes.io/change-cause': 'first' } }), []);
    const hash = templateHash(deployment().spec?.template ?? {}, undefined);
    expect(result.changes[0]).toMatchObject({
      verb: 'create',
      object: {
        metadata: {
          name: `web-${hash}`,
          labels: { app: 'web', 'pod-template-hash': hash },
          annotations: {
            'kubernetes.io/change-cause': 'first',
            'deployment.kubernetes.io/revision': '1',
            'deployment.kubernetes.io/desired-replicas': '4',
            'deployment.kubernetes.io/max-replicas': '5',
          },
        },
        spec: { replicas: 4, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } } },
      },
    });
    expect(told(result)).toEqual([`Scaled up replica set web-${hash} from 0 to 4`]);
    expect(condition(result, 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetCreated',
      message: `Created new replica set "web-${hash}"`,
    });
    expect(result.changes.at(-1)).toMatchObject({ object: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '1' } } } });
  });

  it.each<[string, Wish, readonly [number, number], readonly [number, number] | undefined, Record<string, number>]>([
    ['makes the new one as large as the surge lets it, and shrinks the old one', {}, [4, 4], undefined, { 'web:1': 3, 'web:2': 1 }],
    ['shrinks the old one as far as availability lets it', {}, [4, 4], [1, 0], { 'web:1': 3 }],
    ['waits while nothing may move', {}, [3, 3], [2, 0], {}],
    ['grows again in the room that was made', {}, [3, 3], [1, 1], { 'web:2': 2 }],
    ['cleans up unhealthy old pods first', {}, [4, 1], [1, 0], { 'web:1': 3 }],
    ['goes beyond with a surge of all', { maxSurge: '100%', maxUnavailable: 0 }, [4, 4], undefined, { 'web:2': 4 }],
    ['goes below without a surge', { maxSurge: 0, maxUnavailable: '50%' }, [4, 4], [0, 0], { 'web:1': 2 }],
  ])('rolls: %s', (_what, wish, [oldSize, oldAvailable], fresh, expected) => {
    const owned = [replicaSet('web:1', oldSize, oldAvailable, 1), ...(fresh ? [replicaSet('web:2', fresh[0], fresh[1], 2)] : [])];
    const moved = sizes(reconcile(deployment(wish), owned));
    expect(
      Object.fromEntries(
        Object.entries(moved).filter(([image, size]) => size !== owned.find(({ metadata }) => metadata.uid === image)?.spec?.replicas),
      ),
    ).toEqual(expected);
  });

  it('of the strategy Recreate ends all old pods before it makes new ones', () => {
    const recreate = deployment({ strategy: 'Recreate' });
    expect(sizes(reconcile(recreate, [replicaSet('web:1', 4, 4, 1)]))).toEqual({ 'web:1': 0 });
    const ended = replicaSet('web:1', 0, 0, 1);
    expect(sizes(reconcile(recreate, [ended], { running: true }))).toEqual({});
    expect(sizes(reconcile(recreate, [ended]))).toEqual({ 'web:2': 4 });
  });

  it('returns to an old template by its old ReplicaSet, as a new revision', () => {
    const result = reconcile(deployment({ image: 'web:1' }), [replicaSet('web:1', 0, 0, 1), replicaSet('web:2', 4, 4, 2)]);
    expect(result.changes[0]).toMatchObject({
      verb: 'update',
      object: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' } } },
    });
  });

  it('while paused rolls nothing, says so, and still scales', () => {
    const result = reconcile(deployment({ paused: true, replicas: 6 }), [replicaSet('web:1', 4, 4, 1)]);
    expect(sizes(result)).toEqual({ 'web:1': 6 });
    expect(condition(result, 'Progressing')).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
  });

  it('scaled in the middle of a rollout shares the change in proportion', () => {
    const owned = [replicaSet('web:1', 8, 8, 1, 10), replicaSet('web:2', 3, 3, 2, 10)];
    expect(sizes(reconcile(deployment({ replicas: 20 }), owned))).toEqual({ 'web:1': 15, 'web:2': 6 });
  });

  it('keeps no more old revisions than its limit, and none that still has pods', () => {
    const complete = { observedGeneration: 1, replicas: 4, updatedReplicas: 4, availableReplicas: 4 };
    const owned = [replicaSet('a', 0, 0, 1), replicaSet('b', 0, 0, 2), replicaSet('web:2', 4, 4, 3)];
    const result = reconcile(deployment({ status: complete }), owned);
    expect(result.changes.filter(({ verb }) => verb === 'delete')).toMatchObject([
      { name: owned[0]?.metadata.name, preconditions: { uid: 'a' } },
    ]);
  });

  it('counts a collision where another ReplicaSet has the name it would give', () => {
    const other: ReplicaSet = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: nextName(deployment()), namespace: 'default', uid: 'x' },
    };
    const result = reconcile(deployment(), [], { namesake: other });
    expect(status(result)).toMatchObject({ collisionCount: 1 });
    expect(nextName(deployment({ status: { collisionCount: 1 } }))).not.toBe(other.metadata.name);
  });

  it.each<[string, readonly [number, number], Deployment['status'], string, string]>([
    ['has progressed', [4, 4], {}, 'True', 'NewReplicaSetAvailable'],
    ['is progressing', [4, 2], { updatedReplicas: 4, replicas: 4, readyReplicas: 1, availableReplicas: 1 }, 'True', 'ReplicaSetUpdated'],
    [
      'has timed out',
      [4, 2],
      {
        updatedReplicas: 4,
        replicas: 4,
        readyReplicas: 2,
        availableReplicas: 2,
        conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', lastUpdateTime: '2026-01-01T00:00:00Z' }],
      },
      'False',
      'ProgressDeadlineExceeded',
    ],
  ])('says that it %s', (_what, [size, available], before, expected, reason) => {
    const result = reconcile(deployment({ status: before }), [replicaSet('web:2', size, available, 1)]);
    expect(condition(result, 'Progressing')).toMatchObject({ status: expected, reason });
  });

  it('refuses to select all pods', () => {
    const d = deployment();
    const all: Deployment = { ...d, spec: { template: {}, ...d.spec, selector: {} } };
    expect(told(reconcile(all, []))).toEqual(['This deployment is selecting all pods. A non-empty selector is required.']);
  });

  it('takes templates for the same whatever their hash label says', () => {
    const made = replicaSetFor(deployment());
    expect(sameTemplate(made.spec?.template, deployment().spec?.template)).toBe(true);
    expect(sameTemplate(made.spec?.template, deployment({ image: 'other' }).spec?.template)).toBe(false);
  });
});
