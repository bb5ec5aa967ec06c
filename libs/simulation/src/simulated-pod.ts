import {
  isPodReady,
  isPodTerminal,
  PODS,
  type Container,
  type ContainerStatus,
  type Pod,
  type PodCondition,
  type PodStatus,
} from '#libs/api';
import { formatTime, type Change, type Instant } from '#libs/apimachinery';

/** Where a pod pretends to run. */
export interface SimulatedPlace {
  readonly nodeIp: string;
  /** The address the pod gets, where it has none yet. */
  readonly podIp: string;
}

const CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

const containerId = (pod: Pod, { name }: Container): string => `simulated://${pod.metadata.uid ?? ''}/${name}`;

const running = (pod: Pod, container: Container, time: string): ContainerStatus => ({
  name: container.name,
  image: container.image ?? '',
  imageID: container.image ?? '',
  containerID: containerId(pod, container),
  ready: true,
  started: true,
  restartCount: 0,
  state: { running: { startedAt: time } },
});

const completed = (pod: Pod, container: Container, time: string): ContainerStatus => ({
  ...running(pod, container, time),
  started: false,
  state: {
    terminated: { exitCode: 0, reason: 'Completed', startedAt: time, finishedAt: time, containerID: containerId(pod, container) },
  },
});

function runningStatus(pod: Pod, { nodeIp, podIp }: SimulatedPlace, now: Instant): PodStatus {
  const time = formatTime(now);
  const { spec, status } = pod;
  const generation = pod.metadata.generation;
  const condition = (type: string): PodCondition => {
    const old = status?.conditions?.find((one) => one.type === type);
    const since = old?.status === 'True' && old.lastTransitionTime ? old.lastTransitionTime : time;
    return { type, status: 'True', lastTransitionTime: since, ...(generation === undefined ? {} : { observedGeneration: generation }) };
  };
  const others = (status?.conditions ?? []).filter(({ type }) => !CONDITIONS.includes(type));
  const address = status?.podIP ?? (spec?.hostNetwork ? nodeIp : podIp);
  const init = spec?.initContainers ?? [];
  const { message: _, reason: __, ...kept } = status ?? {};
  return {
    ...kept,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: 'Running',
    conditions: [...others, ...CONDITIONS.map(condition)],
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: status?.startTime ?? time,
    ...(init.length === 0
      ? {}
      : {
          initContainerStatuses: init.map((one) => (one.restartPolicy === 'Always' ? running(pod, one, time) : completed(pod, one, time))),
        }),
    containerStatuses: (spec?.containers ?? []).map((container) => running(pod, container, time)),
  };
}

/**
 * What a node that only pretends does with a pod bound to it, as kwok does: runs and readies it at once, and lets go
 * of one that is deleted. Undefined: the pod is as it should be.
 */
export function simulatedPodChange(pod: Pod, place: SimulatedPlace, now: Instant): Change | undefined {
  const { name = '', namespace = '', uid = '', deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    return { verb: 'delete', resource: PODS, namespace, name, preconditions: { uid }, gracePeriodSeconds: 0 };
  }
  const { phase, podIP, observedGeneration } = pod.status ?? {};
  const isSeen = pod.metadata.generation === undefined || observedGeneration === pod.metadata.generation;
  if (isPodTerminal(pod) || (phase === 'Running' && isPodReady(pod) && podIP !== undefined && isSeen)) return undefined;
  const object: Pod = { ...pod, status: runningStatus(pod, place, now) };
  return { verb: 'update', resource: PODS, subresource: 'status', object };
}
