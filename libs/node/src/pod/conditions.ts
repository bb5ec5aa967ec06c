import type { ContainerStatus, Pod, PodCondition } from '#libs/api';
import { isSidecar } from './names.js';

/** What a pod's conditions are computed from. */
export interface ConditionInput {
  readonly init: readonly ContainerStatus[];
  readonly own: readonly ContainerStatus[];
  readonly phase: string;
  /** Whether its sandbox runs. */
  readonly sandbox: boolean;
}

type Bare = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Go prints a list of strings as `[a b]`. */
const listed = (names: readonly string[]): string => `[${names.join(' ')}]`;

/** The conditions the node answers for, in upstream's words: pkg/kubelet/status/generate.go. */
export function podConditions(pod: Pod, input: ConditionInput): readonly PodCondition[] {
  const ready = containersReady(pod, input);
  const generation = pod.metadata.generation;
  const conditions: readonly Bare[] = [
    { type: 'PodReadyToStartContainers', status: input.sandbox ? 'True' : 'False' },
    initialized(pod, input),
    { ...podReady(pod, ready), type: 'Ready' },
    { ...ready, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
  ];
  return conditions.map((condition) => (generation === undefined ? condition : { ...condition, observedGeneration: generation }));
}

function containersReady(pod: Pod, { init, own, phase }: ConditionInput): Bare {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const unready = [...init.filter(({ name }) => sidecars.includes(name)), ...own].filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: ${listed(unready)}` };
}

function podReady(pod: Pod, ready: Bare): Bare {
  if (ready.status !== 'True') return ready;
  const problems = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (problems.length === 0) return ready;
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function initialized(pod: Pod, { init, own, phase }: ConditionInput): Bare {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  if (own.some(({ started, state, lastState }) => started === true || state?.running || state?.terminated || lastState?.terminated)) {
    return { type, status: 'True' };
  }
  const incomplete = (pod.spec?.initContainers ?? []).filter((spec) => {
    const status = init.find(({ name }) => name === spec.name);
    return isSidecar(spec) ? status?.started !== true : status?.ready !== true;
  });
  if (incomplete.length === 0) return { type, status: 'True' };
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: ${listed(incomplete.map(({ name }) => name))}`,
  };
}
