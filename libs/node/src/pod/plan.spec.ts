import type { Container, Pod, PodSpec } from '#libs/api';
import type { ObservedContainer } from './observed.js';
import { planPod } from './plan.js';
import type { PodMemory } from './pod-plan.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const SECOND = 1000;

const podWith = (spec: Partial<PodSpec>, metadata: Pod['metadata'] = {}, status: Pod['status'] = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u', ...metadata },
  spec: { containers: [{ name: 'a' }], ...spec },
  status,
});

const observed = (name: string, more: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: `${name}-${more.attempt ?? 0}`,
  podUid: 'u',
  podNamespace: 'ns',
  podName: 'p',
  name,
  attempt: 0,
  state: 'running',
  createdAt: NOW - 60 * SECOND,
  startedAt: NOW - 60 * SECOND,
  image: 'i',
  imageId: 'id',
  ...more,
});

const exited = (name: string, exitCode: number, more: Partial<ObservedContainer> = {}): ObservedContainer =>
  observed(name, { state: 'exited', exitCode, finishedAt: NOW - SECOND, ...more });

const nothing: PodMemory = { backoffs: new Map(), failures: new Map(), probes: new Map(), starting: new Set() };
const sandbox = observed('POD');
const sidecar: Container = { name: 's', restartPolicy: 'Always' };
const init: Container = { name: 'i' };

const asked = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };

const planned = (pod: Pod, containers: readonly ObservedContainer[], memory: Partial<PodMemory> = {}) =>
  planPod({ pod, containers, memory: { ...nothing, ...memory } }, NOW);

describe('the plan for a pod', () => {
  it.each<[string, Pod, readonly ObservedContainer[], Partial<PodMemory>, object]>([
    ['makes a sandbox first', podWith({}), [], {}, { actions: [{ kind: 'create-sandbox', attempt: 0 }] }],
    ['waits out a sandbox that failed', podWith({}), [], { sandboxRetryAt: NOW + SECOND }, { actions: [], requeueAt: NOW + SECOND }],
    [
      'starts the containers in a sandbox that runs',
      podWith({}),
      [sandbox],
      {},
      { actions: [{ kind: 'start', container: 'a', attempt: 0 }] },
    ],
    [
      'starts a container that was added to look into the pod, before those that wait for init containers',
      podWith({ initContainers: [init], ephemeralContainers: [{ name: 'debug' }] }),
      [sandbox],
      {},
      {
        actions: [
          { kind: 'start', container: 'debug', attempt: 0 },
          { kind: 'start', container: 'i', attempt: 0 },
        ],
      },
    ],
    [
      'runs a container that was added once only',
      podWith({ ephemeralContainers: [{ name: 'debug' }] }),
      [sandbox, observed('a'), exited('debug', 1)],
      {},
      { stage: 'active', actions: [], kills: [] },
    ],
    [
      'remembers that an added container has run, when every trace of it is gone',
      podWith(
        { ephemeralContainers: [{ name: 'debug' }] },
        {},
        {
          ephemeralContainerStatuses: [
            { name: 'debug', image: 'i', imageID: 'i', ready: false, restartCount: 0, containerID: 'docker://1' },
          ],
        },
      ),
      [sandbox, observed('a')],
      {},
      { stage: 'active', actions: [], kills: [] },
    ],
    [
      'gives a container what it asks for now, after all else',
      podWith({ containers: [{ name: 'a', resources: asked }, { name: 'b' }] }),
      [sandbox, observed('a', { limits: { cpuShares: 2 } })],
      {},
      {
        actions: [
          { kind: 'start', container: 'b', attempt: 0 },
          { kind: 'resize', id: 'a-0', limits: { cpuShares: 102, cpuQuotaUs: 20_000, memoryBytes: 134_217_728 } },
        ],
      },
    ],
    [
      'starts a container anew whose policy that is when its memory changes',
      podWith({
        containers: [{ name: 'a', resources: asked, resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }],
      }),
      [sandbox, observed('a', { limits: { cpuShares: 102, cpuQuotaUs: 20_000, memoryBytes: 1 } })],
      {},
      { actions: [], kills: [{ id: 'a-0', message: 'Container a resize requires restart' }] },
    ],
    [
      'leaves a container alone for a while that did not take its new limits',
      podWith({ containers: [{ name: 'a', resources: asked }] }),
      [sandbox, observed('a', { limits: { cpuShares: 2 } })],
      { resizes: new Map([['a-0', NOW + SECOND]]) },
      { actions: [], kills: [], requeueAt: NOW + SECOND },
    ],
    ['does nothing where all runs', podWith({}), [sandbox, observed('a')], {}, { stage: 'active', actions: [], kills: [] }],
    [
      'stops a container that somebody started again after a newer one was made',
      podWith({}),
      [sandbox, observed('a'), observed('a', { attempt: 1 })],
      {},
      { actions: [], kills: [{ id: 'a-0' }] },
    ],
    [
      'stops what runs before it makes a new sandbox',
      podWith({}),
      [exited('POD', 137), observed('a')],
      {},
      { kills: [{ id: 'a-0' }], actions: [{ kind: 'remove', id: 'POD-0' }] },
    ],
    [
      'makes the next attempt of a sandbox that died',
      podWith({}),
      [exited('POD', 137), exited('a', 137)],
      {},
      {
        actions: [
          { kind: 'create-sandbox', attempt: 1 },
          { kind: 'remove', id: 'POD-0' },
        ],
      },
    ],
    ['runs init containers first', podWith({ initContainers: [init] }), [sandbox], {}, { actions: [{ kind: 'start', container: 'i' }] }],
    ['waits for an init container', podWith({ initContainers: [init] }), [sandbox, observed('i')], {}, { actions: [] }],
    [
      'goes on after an init container',
      podWith({ initContainers: [init] }),
      [sandbox, exited('i', 0)],
      {},
      { actions: [{ kind: 'start', container: 'a' }] },
    ],
    [
      'runs an init container again that failed',
      podWith({ initContainers: [init] }),
      [sandbox, exited('i', 1)],
      {},
      { actions: [{ kind: 'start', container: 'i', attempt: 1 }] },
    ],
    [
      'ends a pod whose init container failed for good',
      podWith({ initContainers: [init], restartPolicy: 'Never' }),
      [sandbox, exited('i', 1)],
      {},
      { stage: 'finished', kills: [{ id: 'POD-0' }] },
    ],
    [
      'goes on once a sidecar has started',
      podWith({ initContainers: [sidecar] }),
      [sandbox, observed('s')],
      {},
      { actions: [{ kind: 'start', container: 'a' }] },
    ],
    [
      'waits for the startup probe of a sidecar',
      podWith({ initContainers: [{ ...sidecar, startupProbe: {} }] }),
      [sandbox, observed('s')],
      {},
      { actions: [] },
    ],
    [
      'leaves a container that may not run again',
      podWith({ restartPolicy: 'OnFailure' }),
      [sandbox, exited('a', 0)],
      {},
      { stage: 'finished' },
    ],
    [
      'restarts at once after a first failure',
      podWith({}),
      [sandbox, exited('a', 1)],
      {},
      { actions: [{ kind: 'start', container: 'a', attempt: 1, backoff: { delayMs: 10_000 } }] },
    ],
    [
      'backs off after a second failure',
      podWith({}),
      [sandbox, exited('a', 1, { attempt: 1 })],
      { backoffs: new Map([['a', { delayMs: 20_000, updatedAt: NOW - 30 * SECOND }]]) },
      { actions: [], requeueAt: NOW + 19 * SECOND },
    ],
    [
      'starts afresh after ten quiet minutes',
      podWith({}),
      [sandbox, exited('a', 1, { attempt: 1 })],
      { backoffs: new Map([['a', { delayMs: 300_000, updatedAt: NOW - 700 * SECOND }]]) },
      { actions: [{ kind: 'start', backoff: { delayMs: 10_000 } }] },
    ],
    [
      'kills a container whose liveness probe failed',
      podWith({ containers: [{ name: 'a', livenessProbe: {} }] }),
      [sandbox, observed('a')],
      { probes: new Map([['a-0', { liveness: 'failure' }]]) },
      { kills: [{ id: 'a-0', probe: 'liveness', message: 'Container a failed liveness probe, will be restarted' }] },
    ],
    [
      'keeps only the newest dead container of a name',
      podWith({}),
      [sandbox, exited('a', 1), exited('a', 1, { attempt: 1 }), observed('a', { attempt: 2 })],
      {},
      { actions: [{ kind: 'remove', id: 'a-0' }] },
    ],
    [
      'goes on counting where the status stopped',
      podWith(
        {},
        {},
        { containerStatuses: [{ name: 'a', restartCount: 3, containerID: 'docker://x', ready: false, image: '', imageID: '' }] },
      ),
      [sandbox],
      {},
      { actions: [{ kind: 'start', container: 'a', attempt: 4 }] },
    ],
    [
      'stops containers before the sandbox',
      podWith({}, { deletionTimestamp: 'now' }),
      [sandbox, observed('a')],
      {},
      { stage: 'terminating', kills: [{ id: 'a-0' }] },
    ],
    [
      'stops sidecars after the others',
      podWith({ initContainers: [sidecar] }, { deletionTimestamp: 'now' }),
      [sandbox, observed('s'), exited('a', 0)],
      {},
      { kills: [{ id: 's-0' }] },
    ],
    [
      'stops the sandbox last',
      podWith({}, { deletionTimestamp: 'now' }),
      [sandbox, exited('a', 0)],
      {},
      { stage: 'terminating', kills: [{ id: 'POD-0' }] },
    ],
    ['is done when nothing runs', podWith({}, { deletionTimestamp: 'now' }), [exited('POD', 0)], {}, { stage: 'terminated', kills: [] }],
    [
      'ends a pod that is past its deadline',
      podWith({ activeDeadlineSeconds: 30 }, {}, { startTime: '2026-01-01T11:59:00Z' }),
      [sandbox, observed('a')],
      {},
      { stage: 'terminating', kills: [{ id: 'a-0' }], events: [{ reason: 'DeadlineExceeded' }] },
    ],
  ])('%s', (_rule, pod, containers, memory, wanted) => {
    expect(planned(pod, containers, memory)).toMatchObject(wanted);
  });

  it('says that a container backs off, in upstream words', () => {
    const backoffs = new Map([['a', { delayMs: 80_000, updatedAt: NOW - 5 * SECOND }]]);
    const plan = planned(podWith({}), [sandbox, exited('a', 1, { attempt: 4 })], { backoffs });
    expect(plan.waiting.get('a')).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'back-off 1m20s restarting failed container=a pod=p_ns(u)',
    });
    expect(plan.events).toEqual([
      { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container a in pod p_ns(u)', container: 'a' },
    ]);
  });

  it('shows a failed pull first as itself, then as its back-off', () => {
    const failure = (failedAt: number) =>
      new Map([['a', { reason: 'ErrImagePull', message: 'no', failedAt, retryAt: failedAt + 10 * SECOND, image: 'i:1' }]]);
    expect(planned(podWith({}), [sandbox], { failures: failure(NOW - SECOND) }).waiting.get('a')?.reason).toBe('ErrImagePull');
    const later = planned(podWith({}), [sandbox], { failures: failure(NOW - 5 * SECOND) });
    expect(later.waiting.get('a')).toEqual({ reason: 'ImagePullBackOff', message: 'Back-off pulling image "i:1": ErrImagePull: no' });
    expect(later.requeueAt).toBe(NOW + 5 * SECOND);
    expect(planned(podWith({}), [sandbox], { failures: failure(NOW - 11 * SECOND) }).actions).toMatchObject([{ kind: 'start' }]);
  });
});
