import { isPodReady, type Node, type Pod } from '#libs/api';
import { milliValue, quantityValue, type KubeObject } from '#libs/apimachinery';

/** How many pods are in which state, `ready` first. */
export type PodCounts = Readonly<Record<string, number>>;

/** The pods of one workload in both clusters. */
export interface WorkloadSummary {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly source: PodCounts;
  readonly fork: PodCounts;
}

/** What a node has to carry. Cpu in thousandths of a core, memory in bytes. */
export interface Load {
  readonly pods: number;
  readonly cpu: number;
  readonly memory: number;
}

/** One node in both clusters; absent where it is not in one of them. */
export interface NodeSummary {
  readonly name: string;
  readonly source?: Load;
  readonly fork?: Load;
}

const WAITING = ['ErrImagePull', 'ImagePullBackOff', 'CrashLoopBackOff', 'CreateContainerConfigError', 'InvalidImageName'];

/** What is to be said of a pod in a word: what kubectl's column STATUS says, but `ready` where it is. */
export function stateOf(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'terminating';
  const { phase = 'Pending', containerStatuses = [] } = pod.status ?? {};
  const waits = containerStatuses.map(({ state }) => state?.waiting?.reason ?? '').find((reason) => WAITING.includes(reason));
  if (waits !== undefined) return waits === 'ImagePullBackOff' ? 'ErrImagePull' : waits;
  if (phase === 'Running') return isPodReady(pod) ? 'ready' : 'unready';
  return phase.toLowerCase();
}

const controllerOf = ({ metadata }: KubeObject): { readonly kind: string; readonly name: string } | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

/** Most owners above one another that are looked through. */
const MOST_OWNERS = 8;

interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whom a pod belongs to in the end: a Deployment rather than its ReplicaSet. */
function workloadOf(pod: Pod, byName: ReadonlyMap<string, KubeObject>): Workload {
  const { namespace = '', name = '' } = pod.metadata;
  let workload = { kind: 'Pod', namespace, name };
  let object: KubeObject | undefined = pod;
  for (let level = 0; object !== undefined && level < MOST_OWNERS; level++) {
    const owner = controllerOf(object);
    // A mirror pod belongs to its node, which is no workload.
    if (owner === undefined || owner.kind === 'Node') break;
    workload = { kind: owner.kind, namespace, name: owner.name };
    object = byName.get(`${owner.kind} ${namespace} ${owner.name}`);
  }
  return workload;
}

const podsIn = (objects: readonly KubeObject[]): readonly Pod[] =>
  objects.filter(({ kind, apiVersion }) => kind === 'Pod' && apiVersion === 'v1');

function countedBy(
  objects: readonly KubeObject[],
): ReadonlyMap<string, { readonly workload: Workload; readonly counts: Record<string, number> }> {
  const byName = new Map(
    objects.map((object) => [`${object.kind} ${object.metadata.namespace ?? ''} ${object.metadata.name ?? ''}`, object]),
  );
  const found = new Map<string, { readonly workload: Workload; readonly counts: Record<string, number> }>();
  for (const pod of podsIn(objects)) {
    const workload = workloadOf(pod, byName);
    const key = `${workload.namespace} ${workload.kind} ${workload.name}`;
    const { counts } = found.get(key) ?? found.set(key, { workload, counts: {} }).get(key) ?? { counts: {} as Record<string, number> };
    const state = stateOf(pod);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return found;
}

/** The pods of every workload in both clusters, by namespace, kind and name. */
export function workloadsOf(source: readonly KubeObject[], fork: readonly KubeObject[]): readonly WorkloadSummary[] {
  const [left, right] = [countedBy(source), countedBy(fork)];
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((key) => {
    const workload = left.get(key)?.workload ?? right.get(key)?.workload;
    return workload === undefined ? [] : [{ ...workload, source: left.get(key)?.counts ?? {}, fork: right.get(key)?.counts ?? {} }];
  });
}

function loadsOf(objects: readonly KubeObject[]): ReadonlyMap<string, Load> {
  const nodes = objects.filter(({ kind, apiVersion }) => kind === 'Node' && apiVersion === 'v1') as readonly Node[];
  const loads = new Map(nodes.map(({ metadata }) => [metadata.name ?? '', { pods: 0, cpu: 0, memory: 0 }]));
  for (const { spec, status } of podsIn(objects)) {
    const load = loads.get(spec?.nodeName ?? '');
    if (load === undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
    load.pods++;
    for (const { resources } of spec?.containers ?? []) {
      load.cpu += milliValue(resources?.requests?.['cpu'] ?? '0');
      load.memory += quantityValue(resources?.requests?.['memory'] ?? '0');
    }
  }
  return loads;
}

/** What each node has to carry in both clusters, by name. */
export function nodesOf(source: readonly KubeObject[], fork: readonly KubeObject[]): readonly NodeSummary[] {
  const [left, right] = [loadsOf(source), loadsOf(fork)];
  return [...new Set([...left.keys(), ...right.keys()])].sort().map((name) => {
    const [here, there] = [left.get(name), right.get(name)];
    return { name, ...(here === undefined ? {} : { source: here }), ...(there === undefined ? {} : { fork: there }) };
  });
}
