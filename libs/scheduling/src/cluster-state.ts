import {
  isPodTerminal,
  NODECLAIMS,
  NODES,
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '#libs/api';
import {
  controllerOf,
  objectKey,
  keyOf,
  type GroupVersionResource,
  type KubeObject,
  type Lister,
  type SnapshotIndex,
} from '#libs/apimachinery';
import { allocatableOf, NodeUse, type NodeInfo } from './node-info.js';
import { podInfo, type PodInfo } from './pod-info.js';
import { isInQueue } from './part.js';
import { podVolumes, type VolumeSource } from './pod-volumes.js';

/** The scheduler's name in `spec.schedulerName`: pods that name another are left to it. */
export const SCHEDULER_NAME = 'default-scheduler';

export interface SchedulingSnapshot {
  /** By name. */
  readonly nodes: readonly NodeInfo[];
  /** Pods that wait for a node: by priority, then the oldest first. */
  readonly pending: readonly PodInfo[];
}

/** A pod that waits for this scheduler. */
export const isPending = (pod: Pod): boolean =>
  !pod.spec?.nodeName &&
  (pod.spec?.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME &&
  (pod.spec?.schedulingGates ?? []).length === 0 &&
  pod.metadata.deletionTimestamp === undefined &&
  !isPodTerminal(pod);

/** A pod that takes its share of a node. */
export const isPlaced = (pod: Pod): boolean => !!pod.spec?.nodeName && !isPodTerminal(pod);

function inQueueOrder(a: PodInfo, b: PodInfo): number {
  const byPriority = (b.pod.spec?.priority ?? 0) - (a.pod.spec?.priority ?? 0);
  if (byPriority !== 0) return byPriority;
  const x = `${a.pod.metadata.creationTimestamp ?? ''} ${keyOf(a.pod)}`;
  const y = `${b.pod.metadata.creationTimestamp ?? ''} ${keyOf(b.pod)}`;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Keeps the newest state of an object, or none. */
function keep<T extends KubeObject>(among: Map<string, T>, next: T | undefined, old: KubeObject | undefined): void {
  if (next) among.set(keyOf(next), next);
  else if (old) among.delete(keyOf(old));
}

/** Nodes, what is taken on them, and the pods that wait: kept event by event, so that no pod is counted twice. */
export class ClusterState implements SnapshotIndex<SchedulingSnapshot> {
  readonly #nodes = new Map<string, { readonly node: Node; readonly allocatable: NodeInfo['allocatable'] }>();
  /** The resourceVersions of the nodes' claims: what the placed pods were counted at. */
  readonly #nodeClaims = new Map<string, string>();
  readonly #use = new Map<string, NodeUse>();
  readonly #placed = new Map<string, PodInfo>();
  readonly #pending = new Map<string, PodInfo>();
  readonly #claims = new Map<string, PersistentVolumeClaim>();
  readonly #volumes = new Map<string, PersistentVolume>();
  readonly #source: VolumeSource = {
    claim: (namespace, name) => this.#claims.get(objectKey(namespace, name)),
    volume: (name) => this.#volumes.get(name),
  };

  apply(resource: GroupVersionResource, next: KubeObject | undefined, old: KubeObject | undefined): void {
    if (resource.group === NODECLAIMS.group && resource.resource === NODECLAIMS.resource) this.#nodeClaim(next, old);
    if (resource.group !== '') return;
    if (resource.resource === PODS.resource) this.#pod(next as Pod | undefined, keyOf((next ?? old) as KubeObject));
    if (resource.resource === NODES.resource) this.#node(next as Node | undefined, (next ?? old)?.metadata.name ?? '');
    if (resource.resource === PERSISTENTVOLUMECLAIMS.resource) keep(this.#claims, next as PersistentVolumeClaim | undefined, old);
    if (resource.resource === PERSISTENTVOLUMES.resource) keep(this.#volumes, next as PersistentVolume | undefined, old);
  }

  /** `key`: of the whole queue, or of a part of it. */
  snapshot(key: string): SchedulingSnapshot | undefined {
    const isOurs = isInQueue(key);
    const pending = [...this.#pending].flatMap(([name, info]) => (isOurs(name) ? [this.#withVolumes(info)] : []));
    if (pending.length === 0) return undefined;
    const names = [...this.#nodes.keys()].sort();
    const nodes = names.flatMap((name): readonly NodeInfo[] => {
      const known = this.#nodes.get(name);
      const claim = this.#nodeClaims.get(name);
      return known ? [{ name, ...known, use: this.#use.get(name) ?? new NodeUse(), ...(claim === undefined ? {} : { claim }) }] : [];
    });
    return { nodes, pending: pending.sort(inQueueOrder) };
  }

  #withVolumes(info: PodInfo): PodInfo {
    const volumes = podVolumes(info.pod, this.#source);
    return volumes === undefined ? info : { ...info, volumes };
  }

  #nodeClaim(next: KubeObject | undefined, old: KubeObject | undefined): void {
    const { name = '', resourceVersion = '' } = (next ?? old)?.metadata ?? {};
    if (next) this.#nodeClaims.set(name, resourceVersion);
    else this.#nodeClaims.delete(name);
  }

  #node(node: Node | undefined, name: string): void {
    if (node) this.#nodes.set(name, { node, allocatable: allocatableOf(node) });
    else this.#nodes.delete(name);
  }

  #pod(pod: Pod | undefined, key: string): void {
    const before = this.#placed.get(key);
    if (before && pod && isPlaced(pod) && sameShare(before.pod, pod)) return;
    if (before) {
      this.#useOf(before).remove(before);
      this.#placed.delete(key);
    }
    this.#pending.delete(key);
    if (!pod) return;
    if (isPending(pod)) this.#pending.set(key, podInfo(pod));
    if (!isPlaced(pod)) return;
    const info = podInfo(pod);
    this.#placed.set(key, info);
    this.#useOf(info).add(info);
  }

  #useOf({ pod }: PodInfo): NodeUse {
    const name = pod.spec?.nodeName ?? '';
    const use = this.#use.get(name) ?? new NodeUse();
    this.#use.set(name, use);
    return use;
  }
}

/** A pod on its node keeps its share for as long as its spec does, and its place among others for as long as it is one controller's. */
const sameShare = (a: Pod, b: Pod): boolean =>
  a.metadata.uid === b.metadata.uid &&
  controllerOf(a)?.uid === controllerOf(b)?.uid &&
  a.spec?.nodeName === b.spec?.nodeName &&
  a.metadata.generation !== undefined &&
  a.metadata.generation === b.metadata.generation;

/** The same from scratch: what a decision is computed again from. */
export function clusterState(lister: Lister): ClusterState {
  const state = new ClusterState();
  for (const node of lister.list(NODES)) state.apply(NODES, node, undefined);
  for (const pod of lister.list(PODS)) state.apply(PODS, pod, undefined);
  for (const claim of lister.list(PERSISTENTVOLUMECLAIMS)) state.apply(PERSISTENTVOLUMECLAIMS, claim, undefined);
  for (const volume of lister.list(PERSISTENTVOLUMES)) state.apply(PERSISTENTVOLUMES, volume, undefined);
  for (const claim of lister.list(NODECLAIMS)) state.apply(NODECLAIMS, claim, undefined);
  return state;
}
