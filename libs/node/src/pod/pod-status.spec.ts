import type { Pod, PodSpec, PodStatus } from '#libs/api';
import type { ObservedContainer } from './observed.js';
import { podStatus } from './pod-status.js';
import { statusPatch } from './status-patch.js';
import type { PodMemory } from './pod-plan.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const nothing: PodMemory = { backoffs: new Map(), failures: new Map(), probes: new Map(), starting: new Set() };

const podWith = (spec: Partial<PodSpec> = {}, status: PodStatus = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u', generation: 1 },
  spec: { containers: [{ name: 'a', image: 'i' }], ...spec },
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
  createdAt: NOW - 60_000,
  startedAt: NOW - 60_000,
  image: 'i',
  imageId: 'docker://sha256:1',
  ...more,
});
const sandbox = observed('POD', { ip: '10.0.0.2' });
const exited = (name: string, exitCode: number): ObservedContainer => observed(name, { state: 'exited', exitCode, finishedAt: NOW - 1000 });

const statusOf = (pod: Pod, containers: readonly ObservedContainer[], more: { memory?: Partial<PodMemory>; ending?: boolean } = {}) =>
  podStatus(
    { pod, containers, memory: { ...nothing, ...more.memory }, waiting: new Map(), runtime: 'docker', ending: more.ending ?? false },
    { hostIP: '10.0.0.1' },
    NOW,
  );

const conditionOf = (status: PodStatus, wanted: string) => status.conditions?.find(({ type }) => type === wanted);

describe('the status of a pod', () => {
  it.each<[string, Pod, readonly ObservedContainer[], { memory?: Partial<PodMemory>; ending?: boolean }, string]>([
    ['is pending before anything runs', podWith(), [], {}, 'Pending'],
    ['is running once a container does', podWith(), [sandbox, observed('a')], {}, 'Running'],
    ['stays running while a container is to run again', podWith(), [sandbox, exited('a', 1)], {}, 'Running'],
    ['has succeeded when all ended well', podWith({ restartPolicy: 'Never' }), [exited('a', 0)], { ending: true }, 'Succeeded'],
    ['has failed when one did not', podWith({ restartPolicy: 'Never' }), [exited('a', 2)], { ending: true }, 'Failed'],
    ['stays as it ended', podWith({}, { phase: 'Succeeded' }), [], { ending: true }, 'Succeeded'],
    [
      'has failed with an init container that may not run again',
      podWith({ restartPolicy: 'Never', initContainers: [{ name: 'i' }] }),
      [exited('i', 1)],
      { ending: true },
      'Failed',
    ],
    ['is pending while init containers run', podWith({ initContainers: [{ name: 'i' }] }), [sandbox, observed('i')], {}, 'Pending'],
  ])('%s', (_rule, pod, containers, more, phase) => {
    expect(statusOf(pod, containers, more).phase).toBe(phase);
  });

  it('is ready when its readiness probes say so', () => {
    const pod = podWith({ containers: [{ name: 'a', readinessProbe: {} }] });
    const unready = statusOf(pod, [sandbox, observed('a')]);
    expect(conditionOf(unready, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [a]',
    });
    const ready = statusOf(pod, [sandbox, observed('a')], { memory: { probes: new Map([['a-0', { readiness: 'success' }]]) } });
    expect(conditionOf(ready, 'Ready')).toMatchObject({ status: 'True', observedGeneration: 1 });
    expect(ready).toMatchObject({ podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }], hostIP: '10.0.0.1', startTime: '2026-01-01T12:00:00Z' });
  });

  it('waits for readiness gates, in upstream words', () => {
    const status = statusOf(podWith({ readinessGates: [{ conditionType: 'x/y' }] }), [sandbox, observed('a')]);
    expect(conditionOf(status, 'Ready')).toMatchObject({
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "x/y" does not exist.',
    });
    expect(conditionOf(status, 'ContainersReady')?.status).toBe('True');
  });

  it('shows the last end of a container that runs again', () => {
    const { containerStatuses } = statusOf(podWith(), [sandbox, exited('a', 137), observed('a', { attempt: 1 })]);
    expect(containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 137, reason: 'Error', containerID: 'docker://a-0' } },
    });
  });

  it('keeps the time of a condition that has not changed', () => {
    const before = statusOf(podWith(), [sandbox, observed('a')]);
    const old = {
      ...before,
      conditions: before.conditions?.map((condition) => ({ ...condition, lastTransitionTime: '2025-01-01T00:00:00Z' })),
    };
    const again = statusOf(podWith({}, old as PodStatus), [sandbox, observed('a')]);
    expect(again.conditions?.every(({ lastTransitionTime }) => lastTransitionTime === '2025-01-01T00:00:00Z')).toBe(true);
  });

  it('is written only where it differs, and leaves the conditions of others alone', () => {
    const status = statusOf(podWith(), [sandbox, observed('a')]);
    const pod = podWith({}, { ...status, conditions: [...(status.conditions ?? []), { type: 'x/y', status: 'True' }] });
    expect(statusPatch(pod, status)).toBeUndefined();
    const patch = statusPatch(pod, { ...status, podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }] });
    expect(patch).toEqual({ metadata: { uid: 'u' }, status: { podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }, { $patch: 'replace' }] } });
  });

  it('takes the reason and the message of a condition away where the new one has none', () => {
    const old = {
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [a]' }],
    };
    const patch = statusPatch(podWith({}, old), { conditions: [{ type: 'Ready', status: 'False', reason: 'PodFailed' }] });
    expect(patch).toMatchObject({ status: { conditions: [{ type: 'Ready', status: 'False', reason: 'PodFailed', message: null }] } });
  });

  it('says what containers really have: what they had until they have what they ask for', () => {
    const resources = { requests: { cpu: '100m' } };
    const old = { requests: { cpu: '50m' } };
    const known = { name: 'a', image: 'i', imageID: 'i', ready: true, restartCount: 0, resources: old };
    const pod = podWith({ containers: [{ name: 'a', resources }] }, { containerStatuses: [known] });
    const has = (cpuShares: number) => statusOf(pod, [sandbox, observed('a', { limits: { cpuShares } })]).containerStatuses?.[0];
    expect(has(51)).toMatchObject({ resources: old, allocatedResources: { cpu: '100m' } });
    expect(has(102)).toMatchObject({ resources, allocatedResources: { cpu: '100m' } });
    expect(statusOf(pod, [sandbox, observed('a')]).containerStatuses?.[0]).not.toHaveProperty('resources');
  });

  it('tells of containers that were added to look into the pod, which are never ready', () => {
    const pod = podWith({ ephemeralContainers: [{ name: 'debug' }, { name: 'later' }] });
    const { ephemeralContainerStatuses, phase } = statusOf(pod, [sandbox, observed('a'), exited('debug', 3)]);
    expect(phase).toBe('Running');
    expect(ephemeralContainerStatuses).toMatchObject([
      { name: 'debug', ready: false, state: { terminated: { exitCode: 3 } } },
      { name: 'later', ready: false, state: { waiting: { reason: 'ContainerCreating' } } },
    ]);
  });
});
