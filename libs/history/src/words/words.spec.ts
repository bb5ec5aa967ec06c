import { changesBetween } from '../difference.js';
import type { Revision } from '../wire.js';
import { changeLines, changeText, fewLines, revisionLines } from './changes.js';
import { howOf, whoOf } from './who.js';

const lines = (before: unknown, after: unknown): readonly string[] => changeLines(changesBetween(before, after)).map(changeText);
const pod = (containers: unknown, more: object = {}): object => ({ spec: { containers }, ...more });
const condition = (type: string, status: string, more: object = {}): object => ({ type, status, lastTransitionTime: '2026', ...more });

describe('a change in words', () => {
  it.each<[string, unknown, unknown, readonly string[]]>([
    ['a number', { spec: { replicas: 1 } }, { spec: { replicas: 3 } }, ['spec.replicas: 1 -> 3']],
    [
      'an image, by its container',
      { spec: { template: pod([{ name: 'app', image: 'a:1' }]) } },
      { spec: { template: pod([{ name: 'app', image: 'a:2' }]) } },
      ['image: a:1 -> a:2 (container app)'],
    ],
    [
      'a variable of a container',
      pod([{ name: 'app', env: [{ name: 'X', value: '1' }] }]),
      pod([{ name: 'app', env: [{ name: 'X', value: 'a b' }] }]),
      ['env X: 1 -> "a b" (container app)'],
    ],
    [
      'labels and annotations',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { b: '3', 'x.io/c': '4' }, annotations: { note: 'hello' } } },
      ['-label a=1', 'label b: 2 -> 3', '+label x.io/c=4', '+annotation note=hello'],
    ],
    [
      'taints, the first and the next',
      { spec: {} },
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule', timeAdded: '2026' }] } },
      ['+taint a:NoSchedule'],
    ],
    [
      'a taint that came and one that went',
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      { spec: { taints: [{ key: 'b', effect: 'NoExecute' }] } },
      ['-taint a:NoSchedule', '+taint b:NoExecute'],
    ],
    ['a finalizer', { metadata: { finalizers: ['a/b'] } }, { metadata: { finalizers: [] } }, ['-finalizer a/b']],
    [
      'what somebody wanted before what was found out, and no bookkeeping',
      { status: { replicas: 1, observedGeneration: 1 }, metadata: { generation: 1 }, spec: { paused: true } },
      { status: { replicas: 2, observedGeneration: 2 }, metadata: { generation: 2 }, spec: {} },
      ['-spec.paused: true', 'status.replicas: 1 -> 2'],
    ],
    [
      'bookkeeping, where there is nothing else',
      { metadata: { generation: 1 } },
      { metadata: { generation: 2 } },
      ['metadata.generation: 1 -> 2'],
    ],
    [
      'a request to delete',
      { metadata: {} },
      { metadata: { deletionTimestamp: '2026', deletionGracePeriodSeconds: 30 } },
      ['-deletion requested (grace period 30s)'],
    ],
    [
      'a condition, with its reason',
      { status: { conditions: [condition('Ready', 'True')] } },
      { status: { conditions: [condition('Ready', 'False', { reason: 'Gone', message: 'it is gone', lastTransitionTime: '2027' })] } },
      ['Ready: True -> False (Gone)'],
    ],
    [
      'a new condition',
      { status: { conditions: [] } },
      { status: { conditions: [condition('PodScheduled', 'False', { reason: 'Unschedulable' })] } },
      ['+PodScheduled: False (Unschedulable)'],
    ],
    [
      'conditions, in whatever order they are',
      { status: { conditions: [condition('A', 'True'), condition('B', 'False')] } },
      { status: { conditions: [condition('B', 'True'), condition('A', 'True'), condition('C', 'True')] } },
      ['B: False -> True', '+C: True'],
    ],
    [
      'a container’s state',
      { status: { containerStatuses: [{ name: 'app', restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } }] } },
      { status: { containerStatuses: [{ name: 'app', restartCount: 1, state: { terminated: { reason: 'Error', exitCode: 3 } } }] } },
      [
        'status.containerStatuses[app].restartCount: 0 -> 1',
        'container app: waiting (ContainerCreating) -> terminated (Error, exit code 3)',
      ],
    ],
    [
      'why a container still waits',
      { status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }] } },
      { status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ImagePullBackOff' } } }] } },
      ['container app: waiting (ErrImagePull) -> waiting (ImagePullBackOff)'],
    ],
    [
      'a small addition by its values',
      {},
      { spec: { selector: { app: 'x', tier: 'y' } } },
      ['+spec.selector.app: x', '+spec.selector.tier: y'],
    ],
    ['a value that is long, cut', { data: { a: '1' } }, { data: { a: 'x'.repeat(100) } }, [`data.a: 1 -> ${'x'.repeat(77)}...`]],
  ])('is %s', (_, before, after, expected) => {
    expect(lines(before, after)).toEqual(expected);
  });

  it('steers no terminal', () => {
    expect(lines({ a: 'x' }, { a: 'y\u001b[2J' })).toEqual(['a: x -> "y\\u001b[2J"']);
  });

  it('is told in a few lines where there are many', () => {
    const many = [1, 2, 3].map((n) => ({ sign: '+' as const, text: String(n) }));
    expect(fewLines(many, 3)).toEqual(many);
    expect(fewLines(many, 2).map(changeText)).toEqual(['+1', 'and 2 more']);
  });

  const object = { group: '', resource: 'secrets', name: 's' };
  it.each([
    [{ type: 'Created', verb: 'create' } as const, '+created'],
    [{ type: 'Deleted', verb: 'delete' } as const, '-deleted'],
    [{ type: 'Updated', verb: 'update', changes: [] } as const, 'nothing of note'],
    [
      { type: 'Updated', verb: 'patch', changes: changesBetween({ data: { p: 'old' } }, { data: { p: 'new' } }) } as const,
      'data.p: *** -> ***',
    ],
    [{ type: 'Updated', verb: 'patch', changes: changesBetween({}, { data: { p: 'new' } }) } as const, '+data.p: ***'],
  ])('of %j is %s', (revision, text) => {
    expect(revisionLines({ ...revision, object }).map(changeText)).toEqual([text]);
  });
});

const decision = { controller: 'deployment-controller', build: '1', key: 'a/b', seen: '', decidedAt: '', index: 0 };

describe('who did it', () => {
  it.each([
    [{ actor: { user: 'alice' } }, 'alice', 'alice'],
    [{ actor: { user: 'alice', impersonator: 'admin' } }, 'alice (really admin)', 'alice (really admin)'],
    [{ actor: { user: 'system:node:node-1' } }, 'kubelet node-1', 'the kubelet of node-1'],
    [{ actor: { user: 'system:serviceaccount:ci:deployer' } }, 'sa ci/deployer', 'service account ci/deployer'],
    [{ actor: { user: 'x' }, decision }, 'deployment-controller', 'the Deployment controller'],
    [{ actor: { user: 'x' }, decision: { ...decision, controller: 'default-scheduler' } }, 'default-scheduler', 'the scheduler'],
    [{ actor: { user: 'x' }, decision: { ...decision, controller: 'kubelet-node-2' } }, 'kubelet-node-2', 'the kubelet of node-2'],
    [
      { actor: { user: 'x' }, decision: { ...decision, controller: 'service-cidr-controller' } },
      'service-cidr-controller',
      'the service-cidr controller',
    ],
    [{ actor: { user: 'x' }, decision: { ...decision, controller: 'rbac-defaults' } }, 'rbac-defaults', 'the controller rbac-defaults'],
  ])('%j is %s', (of, name, phrase) => {
    expect(whoOf(of)).toMatchObject({ name, phrase });
  });

  it.each([
    [{ verb: 'patch', fieldManager: 'kubectl-set', agent: 'kubectl/v1.36' }, 'patch (kubectl set)'],
    [{ verb: 'patch', fieldManager: 'kubectl-client-side-apply' }, 'patch (kubectl apply)'],
    [{ verb: 'patch', subresource: 'scale', agent: 'kubectl/v1.36 (linux)' }, 'patch scale (kubectl)'],
    [{ verb: 'patch', fieldManager: 'argocd' }, 'patch (argocd)'],
    [{ verb: 'patch', fieldManager: 'unknown' }, 'patch'],
    [{ verb: 'update', subresource: 'status', decision }, 'update status'],
  ])('and how: %j is %s', (of, how) => {
    expect(howOf(of as Revision)).toBe(how);
  });
});
