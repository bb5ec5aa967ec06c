import { podTroubles } from './pod-state.js';

const pod = (status: object, nodeName?: string): object => ({
  metadata: { name: 'web-0', namespace: 'prod' },
  spec: { containers: [{ name: 'app', image: 'web:2' }], ...(nodeName === undefined ? {} : { nodeName }) },
  status,
});
const scheduled = (message: string, reason = 'Unschedulable'): object =>
  pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason, message }] });
const container = (state: object, more: object = {}): object =>
  pod({ phase: 'Running', containerStatuses: [{ name: 'app', ready: false, restartCount: 3, state, ...more }] }, 'node-1');
const notReady = (reason: string | undefined, ready: boolean): object =>
  pod(
    {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', ...(reason === undefined ? {} : { reason, message: 'so' }) }],
      containerStatuses: [{ name: 'app', ready, state: { running: {} } }],
    },
    'node-1',
  );

describe('what keeps a pod from what it is to be', () => {
  it.each<[string, unknown, RegExp, RegExp | undefined]>([
    [
      'no room',
      scheduled('0/1 nodes are available: 1 Insufficient cpu. preemption: x'),
      /^It waits for a node: .*Insufficient cpu\.$/,
      /smaller requests/,
    ],
    ['a taint', scheduled('1 node(s) had untolerated taint {a: }'), /untolerated taint/, /toleration/],
    ['no label', scheduled("1 node(s) didn't match Pod's node affinity/selector"), /affinity/, /labels/],
    ['a claim', scheduled('pod has unbound immediate PersistentVolumeClaims'), /unbound/, /kubectl get pvc/],
    ['no node at all', scheduled('no nodes available to schedule pods'), /no nodes/, /kubectl get nodes/],
    ['gates', scheduled('', 'SchedulingGated'), /not to be scheduled yet/, /schedulingGates/],
    [
      'an image',
      container({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }),
      /image web:2 can't be pulled \(ImagePullBackOff\): not found/,
      /imagePullSecrets/,
    ],
    [
      'a program that ends',
      container({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState: { terminated: { exitCode: 1, reason: 'Error' } } }),
      /keeps ending .*\(3 restarts\); last time: exit code 1 \(Error\)/,
      /kubectl logs web-0 -c app --previous/,
    ],
    [
      'too little memory',
      container({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }),
      /used more memory than its limit/,
      /Raise its memory limit/,
    ],
    [
      'configuration',
      container({ waiting: { reason: 'CreateContainerConfigError', message: 'configmap "x" not found' } }),
      /can't be made .*configmap "x"/,
      /ConfigMaps/,
    ],
    ['a probe', container({ running: {} }), /runs but is not ready/, /describe pod/],
    ['an end', container({ terminated: { exitCode: 2, reason: 'Error' } }), /ended: exit code 2 \(Error\)/, /kubectl logs/],
    ['a word that nobody knows', container({ waiting: { reason: 'Odd', message: 'm' } }), /Container app waits \(Odd\): m/, undefined],
    ['its kubelet', pod({ phase: 'Pending' }, 'node-1'), /waits for node-1 to start its containers/, /describe pod/],
    ['the scheduler', pod({ phase: 'Pending' }), /waits to be put on a node/, undefined],
    ['an eviction', pod({ phase: 'Failed', reason: 'Evicted', message: 'disk' }), /failed \(Evicted\): disk/, undefined],
    ['a silent node', notReady(undefined, true), /its node node-1 has stopped reporting/, /get nodes/],
    ['a gate of readiness', notReady('ReadinessGatesNotReady', true), /not ready \(ReadinessGatesNotReady\): so/, undefined],
  ])('is %s', (_, given, says, advice) => {
    const [trouble, ...more] = podTroubles(given);
    expect(more).toEqual([]);
    expect(trouble?.says).toMatch(says);
    if (advice === undefined) expect(trouble?.advice).toBeUndefined();
    else expect(trouble?.advice).toMatch(advice);
  });

  it('is nothing where all is well', () => {
    expect(podTroubles(pod({ phase: 'Running', containerStatuses: [{ name: 'app', ready: true, state: { running: {} } }] }, 'n'))).toEqual(
      [],
    );
    expect(
      podTroubles(pod({ phase: 'Succeeded', containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 0 } } }] }, 'n')),
    ).toEqual([]);
    expect(podTroubles(undefined)).toEqual([]);
  });
});
