import { definitionByKind, PODS, REPLICASETS, SHARDS_OF_WORK, type ReplicaSet, type ResourceDefinition } from '#libs/api';
import { qualifiedResource, type KubeObject } from '#libs/apimachinery';
import type { ControlPlane } from '#libs/platform';
import type { Patch, Requester } from '#libs/registry';
import { shardOfKey, SHARDS, type CacheEvent } from '#libs/runtime';

const NAMESPACE = 'bench';
const AT_ONCE = 64;
/** Changes in one transaction. */
const IN_ONE = 100;
const REQUESTER: Requester = { actor: { user: 'bench' } };
const CHECK_MS = 20;

/** Resolves once it holds, looking again and again; throws after so many seconds. */
export async function until(what: string, holds: () => boolean, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((next) => setTimeout(next, CHECK_MS));
  }
}

function known(apiVersion: string, kind: string): ResourceDefinition {
  const definition = definitionByKind(apiVersion, kind);
  if (!definition) throw new Error(`no ${kind} is known`);
  return definition;
}

async function create(plane: ControlPlane, object: KubeObject): Promise<void> {
  const definition = known(object.apiVersion, object.kind);
  const namespace = definition.scope === 'Namespaced' ? { namespace: NAMESPACE } : {};
  await plane.writePath.execute({ verb: 'create', definition, ...namespace, object, options: {}, requester: REQUESTER });
}

const replicaSet = (name: string, replicas: number): KubeObject => {
  const labels = { app: name };
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } },
  };
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: NAMESPACE }, spec } as KubeObject;
};

/** Where pods of the namespace can be made. */
export async function prepare(plane: ControlPlane): Promise<void> {
  await create(plane, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await create(plane, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: NAMESPACE } });
}

/** Makes so many pods of nobody, which whoever reconciles in the namespace looks at. */
export async function crowd(plane: ControlPlane, pods: number): Promise<void> {
  const spec = { containers: [{ name: 'main', image: 'app:1' }] };
  for (let i = 0; i < pods; i += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, pods - i) }, (_, k) => `alone-${i + k}`);
    const metadata = (name: string) => ({ name, namespace: NAMESPACE, labels: { app: name } });
    await Promise.all(names.map((name) => create(plane, { apiVersion: 'v1', kind: 'Pod', metadata: metadata(name), spec } as KubeObject)));
  }
}

/** Makes so many ReplicaSets that ask for no pods yet. */
export async function layOut(plane: ControlPlane, prefix: string, sets: number): Promise<void> {
  for (let i = 0; i < sets; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, sets - i) }, (_, k) => replicaSet(`${prefix}-${i + k}`, 0));
    await Promise.all(some.map((object) => create(plane, object)));
  }
}

/** Has them ask for pods, many at once. */
export async function ask(plane: ControlPlane, prefix: string, sets: number, podsEach: number): Promise<void> {
  const patch: Patch = { type: 'merge', body: { spec: { replicas: podsEach } } };
  const definition = known('apps/v1', 'ReplicaSet');
  for (let i = 0; i < sets; i += IN_ONE) {
    const names = Array.from({ length: Math.min(IN_ONE, sets - i) }, (_, k) => `${prefix}-${i + k}`);
    await plane.writePath.transact(
      names.map((name) => ({ verb: 'patch', definition, namespace: NAMESPACE, name, patch, options: {}, requester: REQUESTER })),
    );
  }
}

/** Who holds each shard of the replication service, without the letters that tell one start of a replica from another. */
export function holders(plane: ControlPlane): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { object } of plane.view.entries(SHARDS_OF_WORK)) {
    const holder = replicaOf(object);
    if (holder !== '') counts.set(holder, (counts.get(holder) ?? 0) + 1);
  }
  return counts;
}

const replicaOf = (object: KubeObject): string => (object as unknown as { spec: { holder: string } }).spec.holder.replace(/\/.*$/, '');

/** What became of the work, as the log tells it. */
export class Tally {
  /** Pods made, by the replica that held the shard when they were. */
  readonly made = new Map<string, number>();
  created = 0;
  deleted = 0;
  /** Fences written. */
  moves = 0;
  #byShard = new Map<number, string>();
  readonly stop: () => void;

  constructor(private readonly plane: ControlPlane) {
    for (const { object } of plane.view.entries(SHARDS_OF_WORK)) this.#hold(object);
    this.stop = plane.view.subscribe((event) => this.#hear(event));
  }

  /** Whether so many ReplicaSets say that they have seen what was asked of them, and have all those pods. */
  settled(sets: number, podsEach: number): boolean {
    const done = this.plane.view.entries(REPLICASETS, NAMESPACE).filter(({ object }) => {
      const { metadata, spec, status } = object as ReplicaSet;
      return spec?.replicas === podsEach && status?.observedGeneration === metadata.generation && status?.replicas === podsEach;
    });
    return done.length === sets;
  }

  /** How many pods there are of each ReplicaSet, counted: pods to sets. */
  sizes(): ReadonlyMap<number, number> {
    const pods = new Map<string, number>();
    for (const { object } of this.plane.view.entries(PODS, NAMESPACE)) {
      const owner = object.metadata.ownerReferences?.[0]?.name ?? '';
      pods.set(owner, (pods.get(owner) ?? 0) + 1);
    }
    const sizes = new Map<number, number>();
    for (const count of pods.values()) sizes.set(count, (sizes.get(count) ?? 0) + 1);
    return sizes;
  }

  #hold(object: KubeObject): void {
    this.#byShard.set((object as unknown as { spec: { shard: number } }).spec.shard, replicaOf(object));
  }

  #hear({ resource, type, meta, entry }: CacheEvent): void {
    const name = qualifiedResource(resource);
    if (name === qualifiedResource(SHARDS_OF_WORK)) {
      this.moves++;
      this.#hold(entry.object);
    }
    if (name !== 'pods') return;
    if (type === 'Deleted') this.deleted++;
    if (type !== 'Created') return;
    this.created++;
    const { controller = '', key = '' } = meta.decision ?? {};
    const holder = this.#byShard.get(shardOfKey(controller, key, SHARDS)) ?? '';
    this.made.set(holder, (this.made.get(holder) ?? 0) + 1);
  }
}
