import type { KubeObject, ObjectMeta } from '#libs/apimachinery';
import { HISTORY_API_VERSION, type ObjectReference, type PatchOperation, type Revision } from '../wire.js';
import { backToPlan, desiredOf, joined, lastDeletion, operationsOf, restorePlan, revertPlan, type Lost, type UndoPlan } from './index.js';

const reference = (resource = 'deployments', name = 'web', group = 'apps'): ObjectReference => ({ group, resource, namespace: 'a', name });
const deployment = (spec: object, meta: Partial<ObjectMeta> = {}): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'a', uid: 'u1', resourceVersion: '9', ...meta },
    spec,
    status: { replicas: 1 },
  }) as KubeObject;
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };

/** A plan in a line for each thing it says. */
const said = ({ steps, conflicts, notes }: UndoPlan): readonly string[] => [
  ...steps.map((step) =>
    step.kind === 'update'
      ? `update ${step.changes.map(({ field, old, value }) => `${field} ${JSON.stringify(old)} -> ${JSON.stringify(value)}`).join(', ')}`
      : `${step.kind} ${step.object.name}`,
  ),
  ...conflicts.map(({ why }) => `conflict: ${why}`),
  ...notes,
];

describe('undoing an event', () => {
  const one = deployment({ replicas: 1, paused: true });
  const two = deployment({ replicas: 2, paused: true });
  it.each<[string, KubeObject | undefined, KubeObject | undefined, KubeObject | undefined, readonly string[]]>([
    ['puts back what it changed, and nothing else', one, two, deployment({ replicas: 2 }), ['update spec.replicas 2 -> 1']],
    [
      'stands against a later change of the same field',
      one,
      two,
      deployment({ replicas: 5 }),
      ['update spec.replicas 5 -> 1', 'conflict: spec.replicas was changed again since'],
    ],
    ['has nothing to do where somebody has done it already', one, two, one, ['deployments/web in a is as it was already']],
    ['deletes what it created', undefined, one, one, ['delete web']],
    ['stands against deleting what was changed since', undefined, one, two, ['delete web', 'conflict: spec.replicas was changed since']],
    [
      'stands against deleting what is another object by now',
      undefined,
      one,
      deployment({ replicas: 1 }, { uid: 'u2' }),
      ['delete web', 'conflict: it was deleted and made again since'],
    ],
    ['has nothing to do where what it created is gone', undefined, one, undefined, ['deployments/web in a is gone already']],
    ['makes again what it deleted', one, undefined, undefined, ['create web']],
    ['makes again what it began to delete', one, deployment({ replicas: 1 }, deleting), undefined, ['create web']],
    [
      'waits for what is still being deleted',
      one,
      deployment({ replicas: 1 }, deleting),
      deployment({ replicas: 1 }, deleting),
      ['conflict: it is still being deleted: wait until it is gone'],
    ],
    ['changes nothing of what is gone', one, two, undefined, ['conflict: it was deleted since: restore brings it back']],
    [
      'knows that the object is another one',
      one,
      two,
      deployment({ replicas: 2, paused: true }, { uid: 'u2' }),
      ['update spec.replicas 2 -> 1', 'conflict: it was deleted and made again since'],
    ],
  ])('%s', (_, before, after, current, expected) => {
    expect(said(revertPlan({ object: reference(), before, after, current }))).toEqual(expected);
  });
});

describe('going back to a moment', () => {
  const then = deployment({ replicas: 1 }, { labels: { a: '1' }, annotations: { 'deployment.kubernetes.io/revision': '1', note: 'x' } });
  const now = deployment({ replicas: 5, paused: true }, { annotations: { 'deployment.kubernetes.io/revision': '7' } });
  it.each<[string, KubeObject | undefined, KubeObject | undefined, readonly string[]]>([
    [
      'makes of an object what was wanted of it then, but not what controllers note on it',
      then,
      now,
      [
        'update metadata.annotations.note undefined -> "x", metadata.labels undefined -> {"a":"1"}, spec.replicas 5 -> 1, spec.paused true -> undefined',
      ],
    ],
    ['deletes what was not there', undefined, now, ['delete web']],
    ['makes again what was there', then, undefined, ['create web']],
    ['has nothing to do where it was never there', undefined, undefined, ['deployments/web in a was not there either']],
  ])('%s', (_, was, current, expected) => {
    expect(said(backToPlan(reference(), was, current))).toEqual(expected);
  });
});

describe('what somebody wants of an object', () => {
  it.each<[string, string, object, object]>([
    ['a Service, not its address', '/services', { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [] }, { ports: [] }],
    ['a headless Service, and that it has none', '/services', { clusterIP: 'None', ports: [] }, { clusterIP: 'None', ports: [] }],
    ['a claim, not the volume it got', '/persistentvolumeclaims', { volumeName: 'v', accessModes: [] }, { accessModes: [] }],
    [
      'a pod, not its node nor its token',
      '/pods',
      {
        nodeName: 'n',
        volumes: [{ name: 'kube-api-access-x' }, { name: 'd' }],
        containers: [{ name: 'c', volumeMounts: [{ name: 'kube-api-access-x' }] }],
      },
      { volumes: [{ name: 'd' }], containers: [{ name: 'c', volumeMounts: [] }] },
    ],
    ['a Job, not the pods it chose', 'batch/jobs', { selector: {}, parallelism: 1 }, { parallelism: 1 }],
    ['a Job that chose its pods itself', 'batch/jobs', { selector: {}, manualSelector: true }, { selector: {}, manualSelector: true }],
  ])('is %s', (_, key, spec, expected) => {
    expect(desiredOf(key, deployment(spec))).toMatchObject({ metadata: { name: 'web', namespace: 'a' } });
    expect((desiredOf(key, deployment(spec)) as KubeObject & { readonly spec: object }).spec).toEqual(expected);
    expect(desiredOf(key, deployment(spec))).not.toHaveProperty('status');
  });
});

describe('restoring', () => {
  const owner = (uid: string, controller: boolean) => ({
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller }],
  });
  const lost = (resource: string, name: string, group: string, meta: Partial<ObjectMeta> = {}, more: object = {}): Lost => ({
    object: reference(resource, name, group),
    was: { apiVersion: 'v1', kind: 'X', metadata: { name, namespace: 'a', uid: `u-${name}`, ...meta }, ...more } as KubeObject,
    current: undefined,
  });
  const web = lost('deployments', 'web', 'apps');

  it.each<[string, readonly Lost[], readonly string[]]>([
    [
      'brings back what others need first',
      [web, lost('configmaps', 'c', ''), lost('serviceaccounts', 'default', '')],
      ['create default', 'create c', 'create web'],
    ],
    ['leaves to controllers what they make', [web, lost('replicasets', 'web-1', 'apps', owner('u-web', true))], ['create web']],
    [
      'brings back what an owner only held, and says that it stands alone',
      [lost('configmaps', 'c', '', owner('u-gone', false))],
      ['create c', 'configmaps/c in a comes back without its owner deployment/web, which is gone'],
    ],
    [
      'leaves out what nobody writes',
      [web, lost('endpointslices', 'web-x', 'discovery.k8s.io'), lost('configmaps', 'kube-root-ca.crt', '')],
      ['create web'],
    ],
    [
      'can not bring back a Secret whose key was destroyed',
      [lost('secrets', 's', '', { annotations: { 'decklog.dev/sealed': 'the key is gone' } })],
      ['secrets/s in a can not come back: the key is gone'],
    ],
    ['says what is not known any more', [{ ...web, was: undefined }], ['deployments/web in a is not known any more, or not yours to see']],
    ['does not touch what is there again', [{ ...web, current: deployment({}) }], ['conflict: it is there again']],
  ])('%s', (_, all, expected) => {
    expect(said(restorePlan(all))).toEqual(expected);
  });

  const revision = (sequence: number, type: Revision['type'], uid: string, changes?: readonly PatchOperation[]): Revision => ({
    apiVersion: HISTORY_API_VERSION,
    kind: 'Revision',
    metadata: { name: `state-${sequence}` },
    object: { ...reference(), uid },
    stream: 'state',
    sequence,
    time: '2026-01-01T00:00:00.000Z',
    type,
    verb: 'delete',
    actor: { user: 'u' },
    root: `state:${sequence}`,
    ...(changes ? { changes } : {}),
  });
  const began: readonly PatchOperation[] = [{ op: 'add', path: '/metadata/deletionTimestamp', value: 'x' }];

  it('goes by where the last deletion of the name began', () => {
    const all = [
      revision(9, 'Deleted', 'u2'),
      revision(8, 'Updated', 'u2', began),
      revision(7, 'Created', 'u2'),
      revision(6, 'Deleted', 'u1'),
      revision(5, 'Created', 'u1'),
    ];
    expect(lastDeletion(all)?.began.sequence).toBe(8);
    expect(lastDeletion(all.slice(2))?.began.sequence).toBe(6);
    expect(lastDeletion(all.slice(4))).toBeUndefined();
  });
});

describe('a plan as a transaction', () => {
  const current = deployment({ replicas: 5 });
  it('holds only while the objects are what it was made on, and writes each once', () => {
    const undo = revertPlan({ object: reference(), before: deployment({ replicas: 1 }), after: current, current });
    const gone = revertPlan({ object: reference('configmaps', 'c', ''), before: undefined, after: current, current });
    expect(operationsOf(joined([undo, gone, undo]), 'me')).toEqual([
      {
        verb: 'update',
        apiVersion: 'apps/v1',
        resource: 'deployments',
        namespace: 'a',
        name: 'web',
        object: expect.objectContaining({ metadata: expect.objectContaining({ resourceVersion: '9' }), spec: { replicas: 1 } }),
        fieldManager: 'me',
      },
      {
        verb: 'delete',
        apiVersion: 'apps/v1',
        resource: 'configmaps',
        namespace: 'a',
        name: 'c',
        preconditions: { uid: 'u1', resourceVersion: '9' },
      },
    ]);
  });
});
