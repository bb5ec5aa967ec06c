import { formatTime } from '#libs/apimachinery';
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '#libs/api';
import { isSidecar } from './names.js';
import { attemptsOf, SANDBOX, type ObservedContainer, type Waiting } from './observed.js';
import { shouldRestart } from './plan.js';
import type { PodMemory } from './pod-plan.js';
import { isReady, isStarted } from './probes.js';
import { resizeOf } from './resources.js';

/** What the statuses of a pod's containers are made from. */
export interface StatusInput {
  readonly pod: Pod;
  readonly containers: readonly ObservedContainer[];
  readonly memory: PodMemory;
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** `docker`: the scheme of container ids. */
  readonly runtime: string;
  /** The pod is ending: what has stopped will not start again. */
  readonly ending: boolean;
}

function terminatedState(container: ObservedContainer, runtime: string): ContainerStateTerminated {
  const code = container.exitCode ?? 0;
  const reason = container.startError ? 'ContainerCannotRun' : container.oomKilled ? 'OOMKilled' : code === 0 ? 'Completed' : 'Error';
  const message = container.startError ?? container.message;
  return {
    exitCode: code,
    reason,
    ...(message ? { message } : {}),
    ...(container.startedAt === undefined ? {} : { startedAt: formatTime(container.startedAt) }),
    finishedAt: formatTime(container.finishedAt ?? container.createdAt),
    containerID: `${runtime}://${container.id}`,
  };
}

/** The statuses of a list of a pod's containers, in the order of its spec. */
export const containerStatuses = (input: StatusInput, specs: readonly Container[], isInit: boolean): readonly ContainerStatus[] =>
  specs.map((spec) => containerStatus(input, spec, isInit));

function containerStatus(input: StatusInput, spec: Container, isInit: boolean): ContainerStatus {
  const { pod, containers, memory, runtime } = input;
  const [last, before] = attemptsOf(containers, spec.name);
  const { containerStatuses: own = [], initContainerStatuses: init = [], ephemeralContainerStatuses: added = [] } = pod.status ?? {};
  const old = [...own, ...init, ...added].find(({ name }) => name === spec.name);
  const state = stateOf(input, spec, isInit, last);
  const running = state.running !== undefined && last !== undefined && !memory.starting.has(last.id);
  const verdicts = last ? memory.probes.get(last.id) : undefined;
  const once = isInit && !isSidecar(spec);
  const previous = state.waiting && last?.state === 'exited' ? last : before?.state === 'exited' ? before : undefined;
  const lastState = previous
    ? { terminated: terminatedState(previous, runtime) }
    : last === undefined || last.attempt === old?.restartCount
      ? (old?.lastState ?? {})
      : {};
  return {
    name: spec.name,
    state,
    lastState,
    ready: once ? state.terminated?.exitCode === 0 : running && isReady(spec, verdicts),
    restartCount: last?.attempt ?? old?.restartCount ?? 0,
    image: last ? last.image : (spec.image ?? ''),
    imageID: last ? last.imageId : (old?.imageID ?? ''),
    ...(last ? { containerID: `${runtime}://${last.id}` } : {}),
    started: running && isStarted(spec, verdicts),
    ...resourcesOf(pod, spec, last, old),
  };
}

/** What a container really has: what it asks for where that has been carried out, else what it had. Nothing where the runtime does not say. */
function resourcesOf(
  pod: Pod,
  spec: Container,
  last: ObservedContainer | undefined,
  old: ContainerStatus | undefined,
): Pick<ContainerStatus, 'allocatedResources' | 'resources'> {
  if (last?.state !== 'running' || last.limits === undefined) return {};
  const { requests, limits } = spec.resources ?? {};
  const allocated = requests === undefined ? {} : { allocatedResources: requests };
  if (resizeOf(pod, spec, last.limits) !== undefined) return { ...allocated, ...(old?.resources ? { resources: old.resources } : {}) };
  return { ...allocated, resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) } };
}

function stateOf(input: StatusInput, spec: Container, isInit: boolean, last: ObservedContainer | undefined): ContainerState {
  const { pod, memory, runtime, ending } = input;
  if (last?.state === 'running') return { running: { startedAt: formatTime(last.startedAt ?? last.createdAt) } };
  const failure = memory.failures.get(spec.name);
  const waiting = input.waiting.get(spec.name) ?? (failure ? waitingOf(failure) : undefined);
  if (last?.state === 'exited') {
    const again = !ending && (isInit && !isSidecar(spec) ? last.exitCode !== 0 : true) && shouldRestart(pod, spec, last);
    return waiting && again ? { waiting } : { terminated: terminatedState(last, runtime) };
  }
  return { waiting: waiting ?? { reason: !isInit && initializing(input) ? 'PodInitializing' : 'ContainerCreating' } };
}

const waitingOf = ({ reason, message }: Waiting): Waiting => ({ reason, ...(message === undefined ? {} : { message }) });

/** Whether a pod with init containers has started none of its own. */
function initializing({ pod, containers }: StatusInput): boolean {
  if (!pod.spec?.initContainers?.length) return false;
  const own = new Set(pod.spec.containers.map(({ name }) => name));
  return !containers.some(({ name }) => name !== SANDBOX && own.has(name));
}
