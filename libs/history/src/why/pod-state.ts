import { isJsonObject } from '#libs/apimachinery';

/** What keeps an object from what it is to be, in words, and what would change that. */
export interface Trouble {
  readonly says: string;
  readonly advice?: string;
}

interface ContainerStatus {
  readonly name?: string;
  readonly image?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: Waiting; readonly terminated?: Terminated; readonly running?: object };
  readonly lastState?: { readonly terminated?: Terminated };
}

interface Waiting {
  readonly reason?: string;
  readonly message?: string;
}

interface Terminated extends Waiting {
  readonly exitCode?: number;
  readonly finishedAt?: string;
}

/** The part of a pod that says how it fares. */
export interface PodLike {
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec?: { readonly nodeName?: string; readonly containers?: readonly { readonly name?: string; readonly image?: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

const told = (message: string | undefined): string => (message === undefined || message === '' ? '' : `: ${message}`);

/** What would let the scheduler place a pod, by what it said. */
const PLACING: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/no nodes available/i, 'The cluster has no node that takes pods: see `kubectl get nodes`.'],
  [/Insufficient|Too many pods/, 'It fits when a node has that much free: smaller requests, fewer other pods, or another node.'],
  [/untolerated taint/, 'It needs a toleration, or the taint has to go: see `kubectl describe nodes`.'],
  [/affinity|selector/, 'A node needs the labels that the pod asks for (nodeSelector, affinity), or the pod should ask for others.'],
  [
    /unbound immediate PersistentVolumeClaims|volume|persistentvolumeclaim/i,
    'Its claim has to be bound first: see `kubectl get pvc` and `kubectl describe pvc`.',
  ],
  [/unschedulable/, 'A node was cordoned: `kubectl uncordon NODE` lets pods onto it again.'],
];

function unplaced({ status }: PodLike): Trouble | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason, message = '' } = scheduled;
  if (reason === 'SchedulingGated')
    return { says: `It is not to be scheduled yet${told(message)}`, advice: 'Whoever set its schedulingGates has to take them away.' };
  const advice = PLACING.find(([pattern]) => pattern.test(message))?.[1];
  // What the scheduler says of preemption only repeats that nothing helps.
  return {
    says: `It waits for a node: no node takes it${told(message.replace(/ preemption: .*$/s, ''))}`,
    ...(advice === undefined ? {} : { advice }),
  };
}

const PULLS = new Set(['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable']);
const CONFIGS = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** How a container ended last: `exit code 1 (Error)`. */
function ending({ exitCode, reason, message }: Terminated): string {
  if (reason === 'OOMKilled') return 'it was killed, having used more memory than its limit';
  return `exit code ${exitCode ?? 'unknown'}${reason === undefined ? '' : ` (${reason})`}${told(message)}`;
}

function waiting(pod: PodLike, container: ContainerStatus, { reason = '', message }: Waiting): Trouble | undefined {
  const name = container.name ?? '';
  const image = pod.spec?.containers?.find((one) => one.name === name)?.image ?? container.image ?? 'its image';
  if (PULLS.has(reason))
    return {
      says: `Container ${name} can't start: image ${image} can't be pulled (${reason})${told(message)}`,
      advice: 'Correct the name or tag of the image, or give credentials for its registry (imagePullSecrets).',
    };
  if (reason === 'CrashLoopBackOff') {
    const last = container.lastState?.terminated;
    const memory = last?.reason === 'OOMKilled';
    const lastTime = last === undefined ? '' : `; last time: ${ending(last)}`;
    return {
      says: `Container ${name} keeps ending and is started again with growing pauses (${container.restartCount ?? 0} restarts)${lastTime}`,
      advice: memory
        ? 'Raise its memory limit, or find what takes the memory.'
        : `What it said before it ended: \`kubectl logs ${pod.metadata.name ?? ''} -c ${name} --previous\`.`,
    };
  }
  if (CONFIGS.has(reason))
    return {
      says: `Container ${name} can't be made (${reason})${told(message)}`,
      advice: 'What it refers to has to be there: ConfigMaps, Secrets, their keys, its command.',
    };
  if (reason === 'ContainerCreating' || reason === 'PodInitializing')
    return message === undefined ? undefined : { says: `Container ${name} is being made${told(message)}` };
  return { says: `Container ${name} waits (${reason})${told(message)}` };
}

function containerTrouble(pod: PodLike, container: ContainerStatus): Trouble | undefined {
  const { state, name = '' } = container;
  if (state?.waiting !== undefined) return waiting(pod, container, state.waiting);
  if (state?.terminated !== undefined && state.terminated.exitCode !== 0)
    return {
      says: `Container ${name} ended: ${ending(state.terminated)}`,
      advice: `What it said: \`kubectl logs ${pod.metadata.name ?? ''} -c ${name}\`.`,
    };
  if (state?.running !== undefined && container.ready === false)
    return {
      says: `Container ${name} runs but is not ready: its readiness probe has not succeeded`,
      advice: `See \`kubectl describe pod ${pod.metadata.name ?? ''}\`.`,
    };
  return undefined;
}

function others({ spec, status }: PodLike): readonly Trouble[] {
  if (status?.phase === 'Failed')
    return [{ says: `It has failed${status.reason === undefined ? '' : ` (${status.reason})`}${told(status.message)}` }];
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const silent =
    ready?.status === 'False' && (ready.reason ?? '') === '' && (status?.containerStatuses ?? []).every((one) => one.ready === true);
  if (status?.phase === 'Running' && silent)
    return [
      { says: `It counts as not ready, since its node ${spec?.nodeName ?? ''} has stopped reporting`, advice: 'See `kubectl get nodes`.' },
    ];
  if (status?.phase === 'Running' && ready?.status === 'False' && ready.reason !== 'ContainersNotReady')
    return [{ says: `It is not ready${ready.reason === undefined ? '' : ` (${ready.reason})`}${told(ready.message)}` }];
  if (status?.phase === 'Pending' && spec?.nodeName !== undefined)
    return [
      {
        says: `It waits for ${spec.nodeName} to start its containers`,
        advice: 'If that lasts: is the node ready, and do its volumes come up? See `kubectl describe pod`.',
      },
    ];
  return status?.phase === 'Pending' ? [{ says: 'It waits to be put on a node' }] : [];
}

/** What keeps a pod from running and being ready; nothing where all is well. */
export function podTroubles(pod: unknown): readonly Trouble[] {
  if (!isJsonObject(pod)) return [];
  const one = pod as unknown as PodLike;
  const placing = unplaced(one);
  if (placing !== undefined) return [placing];
  const { initContainerStatuses = [], containerStatuses = [] } = one.status ?? {};
  const all = [...initContainerStatuses, ...containerStatuses];
  const found = all.map((container) => containerTrouble(one, container)).filter((trouble) => trouble !== undefined);
  return found.length > 0 ? found : others(one);
}
