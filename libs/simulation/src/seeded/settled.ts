import {
  isPodActive,
  isPodReady,
  type Deployment,
  type EndpointSlice,
  type Node,
  type Pod,
  type ReplicaSet,
  type Service,
} from '#libs/api';
import { controllerOf, keyOf, type KubeObject } from '#libs/apimachinery';
import { objectRowKey } from '#libs/projections';
import { parseSubject, STREAMS } from '#libs/log';
import type { SeededCluster } from './cluster.js';
import type { Violation } from './witness.js';

const CONVERGE = 'replicas converge when faults stop';

interface State {
  readonly deployments: readonly Deployment[];
  readonly sets: readonly ReplicaSet[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

const unlike = (wanted: readonly string[], found: readonly string[]): string | undefined =>
  wanted.join() === found.join() ? undefined : `${found.join(', ') || 'none'} instead of ${wanted.join(', ') || 'none'}`;

/** A deployment runs as many pods as it says, of its newest template; those that wait have no room. */
function deployed({ deployments, sets, pods }: State): string | undefined {
  for (const { metadata, spec } of deployments) {
    const own = sets.filter((set) => controllerOf(set)?.uid === metadata.uid);
    const image = spec?.template.spec?.containers[0]?.image;
    const current = own.find((set) => set.spec?.template?.spec?.containers[0]?.image === image);
    const active = pods.filter((pod) => isPodActive(pod) && own.some((set) => set.metadata.uid === controllerOf(pod)?.uid));
    const wanted = spec?.replicas ?? 1;
    // A rollout can't go on while its new pods find no room: it has a quarter more of them until then.
    const isWaiting = active.some((pod) => !isPodReady(pod));
    const most = isWaiting ? wanted + Math.ceil(wanted / 4) : wanted;
    if (active.length < wanted || active.length > most) return `${metadata.name ?? ''} has ${active.length} pods and wants ${wanted}`;
    const old = active.filter((pod) => controllerOf(pod)?.uid !== current?.metadata.uid && isPodReady(pod));
    if (old.length > 0 && !isWaiting) return `${metadata.name ?? ''} still has ${old.length} pods of before`;
  }
  return undefined;
}

/** A pod that is bound has its node and runs there; one that waits would find no room. */
function bound({ pods, nodes }: State): string | undefined {
  for (const pod of pods) {
    const name = pod.spec?.nodeName;
    if (name !== undefined && !nodes.some(({ metadata }) => metadata.name === name))
      return `${keyOf(pod)} is bound to ${name}, which is gone`;
    if (pod.metadata.deletionTimestamp !== undefined) return `${keyOf(pod)} does not go away`;
    if (name !== undefined && !isPodReady(pod)) return `${keyOf(pod)} does not run on ${name}`;
  }
  const waits = pods.find(({ spec }) => spec?.nodeName === undefined);
  const roomy = waits && nodes.find(({ metadata }) => pods.filter(({ spec }) => spec?.nodeName === metadata.name).length < 4);
  return roomy && `${keyOf(waits)} waits, and ${roomy.metadata.name ?? ''} has room`;
}

function owned(objects: readonly KubeObject[]): string | undefined {
  const uids = new Set(objects.map(({ metadata }) => metadata.uid));
  const garbage = objects.find(
    ({ metadata: { ownerReferences = [] } }) => ownerReferences.length > 0 && !ownerReferences.some(({ uid }) => uids.has(uid)),
  );
  return garbage && `${garbage.kind} ${keyOf(garbage)} has no owner any more`;
}

/** The addresses behind a Service are those of its pods that are ready. */
function served({ services, slices, pods }: State): string | undefined {
  for (const { metadata, spec } of services) {
    const app = spec?.selector?.['app'];
    if (app === undefined) continue;
    const wanted = pods.filter((pod) => pod.metadata.labels?.['app'] === app && isPodReady(pod)).map(({ status }) => status?.podIP ?? '');
    const own = slices.filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name);
    const found = own.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
    const wrong = unlike([...wanted].sort(), [...found].sort());
    if (wrong !== undefined) return `the Service ${metadata.name ?? ''} leads to ${wrong}`;
  }
  return undefined;
}

/** Every cache and the projection hold what the log does. */
async function agreed({ all, log, witness, projection }: SeededCluster): Promise<string | undefined> {
  for (const stream of STREAMS) {
    const last = await log.last(stream);
    if (projection.position[stream] !== last) return `the projection is at ${stream} ${projection.position[stream]} of ${last}`;
    for (const { process, view, service } of all) {
      if (service === 'projector') continue;
      if (view?.position[stream] !== last) return `${process.name} is at ${stream} ${view?.position[stream] ?? 0} of ${last}`;
    }
  }
  for (const [subject, { sequence, object }] of witness.objects) {
    const parts = parseSubject(subject);
    if (!parts) continue;
    const row = projection.objects.get(objectRowKey(parts));
    if (row?.sequence !== sequence || row.deleted !== (object === undefined))
      return `the projection has ${subject} at ${row?.sequence ?? 0}, not ${sequence}`;
    for (const { process, view } of all) {
      const found = view?.entry({ ...parts, version: 'v1' }, parts.namespace, parts.name)?.sequence;
      if (view && found !== (object && sequence)) return `${process.name} has ${subject} at ${found ?? 0}, not ${object ? sequence : 0}`;
    }
  }
  return undefined;
}

/** All shards are held by those who live. */
function shared({ all, witness }: SeededCluster): string | undefined {
  const living = new Set(all.filter(({ sharing }) => sharing).map(({ process }) => process.name));
  const orphan = witness.all('shards').find((shard) => !living.has((shard as KubeObject & { spec: { holder: string } }).spec.holder));
  return orphan && `${orphan.metadata.name ?? ''} is held by nobody who lives`;
}

/** What is not yet as it must be once nothing is wrong any more; undefined: all is. */
export async function unsettled(cluster: SeededCluster): Promise<Violation | undefined> {
  const { witness } = cluster;
  const state: State = {
    deployments: witness.all('deployments') as readonly Deployment[],
    sets: witness.all('replicasets') as readonly ReplicaSet[],
    pods: witness.all('pods', 'default') as readonly Pod[],
    nodes: witness.all('nodes') as readonly Node[],
    services: witness.all('services', 'default') as readonly Service[],
    slices: witness.all('endpointslices', 'default') as readonly EndpointSlice[],
  };
  const objects = [...witness.objects.values()].flatMap(({ object }) => object ?? []);
  const checks: readonly (readonly [string, () => string | undefined])[] = [
    [CONVERGE, () => deployed(state)],
    ['bound pods have nodes', () => bound(state)],
    ['garbage has no owner', () => owned(objects)],
    [CONVERGE, () => served(state)],
    [CONVERGE, () => shared(cluster)],
  ];
  for (const [invariant, check] of checks) {
    const says = check();
    if (says !== undefined) return { invariant, says };
  }
  const says = await agreed(cluster);
  return says === undefined ? undefined : { invariant: 'the projection equals the fold of the log', says };
}
