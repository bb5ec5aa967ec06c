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
  /** What registries say of images that can't be pulled, by image; absent: every image is there. */
  readonly failingImages?: ReadonlyMap<string, string>;
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

const PULL_FAILED = 'ErrImagePull';

const waiting = ({ name, image = '' }: Container, reason: string, message?: string): ContainerStatus => ({
  name,
  image,
  imageID: '',
  ready: false,
  started: false,
  restartCount: 0,
  state: { waiting: { reason, ...(message === undefined ? {} : { message }) } },
});

/** The status of a pod some of whose images can't be pulled: it waits, as on a real node, until its images change. */
function pullingStatus(pod: Pod, { nodeIp, podIp, failingImages }: SimulatedPlace, now: Instant): PodStatus {
  const failing = ({ image = '' }: Container): string | undefined => failingImages?.get(image);
  const { containers = [], initContainers: init = [] } = pod.spec ?? {};
  const stopped = init.findIndex((one) => failing(one) !== undefined);
  const time = formatTime(now);
  const pulled = (container: Container): ContainerStatus => {
    const message = failing(container);
    if (message !== undefined) return waiting(container, PULL_FAILED, message);
    return stopped === -1 ? running(pod, container, time) : waiting(container, 'PodInitializing');
  };
  const status = runningStatus(pod, { nodeIp, podIp }, now);
  const unready = ['Ready', 'ContainersReady', ...(stopped === -1 ? [] : ['Initialized'])];
  const names = containers.filter((one) => failing(one) !== undefined || stopped !== -1).map(({ name }) => name);
  const why = { reason: 'ContainersNotReady', message: `containers with unready status: [${names.join(' ')}]` };
  const old = (type: string): PodCondition | undefined => pod.status?.conditions?.find((one) => one.type === type);
  const conditions = (status.conditions ?? []).map((condition): PodCondition => {
    if (!unready.includes(condition.type)) return condition;
    const before = old(condition.type);
    const since = before?.status === 'False' ? before.lastTransitionTime : undefined;
    return { ...condition, status: 'False', ...why, lastTransitionTime: since ?? time };
  });
  return {
    ...status,
    phase: 'Pending',
    conditions,
    ...(init.length === 0
      ? {}
      : { initContainerStatuses: init.map((one, i) => (i < stopped || stopped === -1 ? completed(pod, one, time) : pulled(one))) }),
    containerStatuses: containers.map(pulled),
  };
}

/** Whether its status says already that its images can't be pulled. */
const saysPullFailed = ({ status }: Pod): boolean =>
  status?.phase === 'Pending' &&
  [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].some(({ state }) =>
    [PULL_FAILED, 'ImagePullBackOff'].includes(state?.waiting?.reason ?? ''),
  );

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
  const images = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ image = '' }) => image);
  if (images.some((image) => place.failingImages?.has(image)) && !isPodTerminal(pod)) {
    if (isSeen && saysPullFailed(pod)) return undefined;
    const held: Pod = { ...pod, status: pullingStatus(pod, place, now) };
    return { verb: 'update', resource: PODS, subresource: 'status', object: held };
  }
  if (isPodTerminal(pod) || (phase === 'Running' && isPodReady(pod) && podIP !== undefined && isSeen)) return undefined;
  const object: Pod = { ...pod, status: runningStatus(pod, place, now) };
  return { verb: 'update', resource: PODS, subresource: 'status', object };
}
