import { LEASES, NODES, PODS, type Lease, type Node, type Pod } from '#libs/api';
import {
  fnv32,
  formatTime,
  parseTime,
  qualifiedResource,
  type Change,
  type Controller,
  type Instant,
  type KubeObject,
  type Lister,
  type ReconcileResult,
  type SnapshotIndex,
} from '#libs/apimachinery';
import { healthyConditions } from '#libs/node';
import { byAge, LEASE_NAMESPACE, renewed, REPORT_MS, runPods } from './simulated-node.js';

/** What an adopted node is run with. */
export interface AdoptedNodeOptions {
  readonly name: string;
  /** What registries say of images that can't be pulled, by image. */
  readonly failingImages?: ReadonlyMap<string, string>;
}

type Snapshot =
  | { readonly kind: 'node'; readonly node: Node | undefined; readonly lease: Lease | undefined; readonly namespaced: boolean }
  | { readonly kind: 'pods'; readonly node: Node | undefined; readonly pods: readonly Pod[] };

const ITSELF = 'node';
const ITS_PODS = 'pods';
const NAMESPACES = { group: '', version: 'v1', resource: 'namespaces' };
/** A third of what the node lifecycle controller waits: a lease is as often renewed as its holder can miss two. */
const RENEW_MS = 15_000;
/** What a node has that says nothing of it. */
const AMOUNTS = { cpu: '4', memory: '8Gi', pods: '110' };

/** First three numbers of its pods' addresses: its own range's, else some that follow from its name. */
export function podPrefixOf({ metadata, spec }: Node): string {
  const [, prefix] = /^(\d+\.\d+\.\d+)\.\d+\//.exec(spec?.podCIDR ?? '') ?? [];
  const hash = fnv32(metadata.name ?? '');
  return prefix ?? `10.${hash & 0xff}.${(hash >>> 8) & 0xff}`;
}

/** The node as healthy as its agent would say: its amounts stay what they were. */
function reported(node: Node, now: Instant): Node {
  const { status } = node;
  const capacity = status?.capacity ?? AMOUNTS;
  const conditions = healthyConditions(status?.conditions ?? [], formatTime(now));
  const others = (status?.conditions ?? []).filter(({ type }) => !conditions.some((one) => one.type === type));
  return { ...node, status: { ...status, capacity, allocatable: status?.allocatable ?? capacity, conditions: [...others, ...conditions] } };
}

/** Reports, and renews its lease; a node that nobody has made, or that was deleted, does nothing. */
function beNode(name: string, { node, lease, namespaced }: Extract<Snapshot, { kind: 'node' }>, now: Instant): ReconcileResult {
  if (!node || node.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const changes: Change[] = [];
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const saidAt = parseTime(ready?.lastHeartbeatTime) ?? 0;
  if (ready?.status !== 'True' || saidAt + REPORT_MS <= now || node.status?.capacity === undefined) {
    changes.push({ verb: 'update', resource: NODES, subresource: 'status', object: reported(node, now) });
  }
  const renewedAt = parseTime(lease?.spec?.renewTime) ?? 0;
  const due = renewedAt + RENEW_MS <= now;
  if (due && namespaced) changes.push(renewed({ name }, node, lease, now));
  return { changes, requeueAfterMs: due ? RENEW_MS : renewedAt + RENEW_MS - now };
}

/** What concerns one node of all that happens, kept up to date event by event: a cluster has many nodes, each hears everything. */
class NodeIndex implements SnapshotIndex<Snapshot> {
  readonly #pods = new Map<string, Pod>();
  #node: Node | undefined;
  #lease: Lease | undefined;
  #namespaced = false;

  constructor(private readonly name: string) {}

  apply(resource: { readonly group: string; readonly resource: string }, next: KubeObject | undefined, old: KubeObject | undefined): void {
    const { name, namespace, uid = '' } = (next ?? old)?.metadata ?? {};
    switch (qualifiedResource(resource)) {
      case qualifiedResource(NODES):
        if (name === this.name) this.#node = next as Node | undefined;
        return;
      case qualifiedResource(LEASES):
        if (name === this.name && namespace === LEASE_NAMESPACE) this.#lease = next as Lease | undefined;
        return;
      case qualifiedResource(NAMESPACES):
        if (name === LEASE_NAMESPACE) this.#namespaced = next !== undefined;
        return;
      default:
        if ((next as Pod | undefined)?.spec?.nodeName === this.name) this.#pods.set(uid, next as Pod);
        else if ((old as Pod | undefined)?.spec?.nodeName === this.name) this.#pods.delete(old?.metadata.uid ?? '');
    }
  }

  snapshot(key: string): Snapshot {
    const node = this.#node;
    if (key === ITSELF) return { kind: 'node', node, lease: this.#lease, namespaced: this.#namespaced };
    return { kind: 'pods', node, pods: [...this.#pods.values()].sort(byAge) };
  }
}

function snapshotOf(name: string, key: string, lister: Lister): Snapshot {
  const node = lister.get(NODES, undefined, name) as Node | undefined;
  if (key === ITS_PODS) {
    const pods = (lister.list(PODS) as readonly Pod[]).filter(({ spec }) => spec?.nodeName === name);
    return { kind: 'pods', node, pods: [...pods].sort(byAge) };
  }
  const lease = lister.get(LEASES, LEASE_NAMESPACE, name) as Lease | undefined;
  return { kind: 'node', node, lease, namespaced: lister.get(NAMESPACES, undefined, LEASE_NAMESPACE) !== undefined };
}

/** The agent of a node that exists already, as a controller that only pretends: what the node has and is called stays. */
export function adoptedNode({ name, failingImages }: AdoptedNodeOptions): Controller {
  const isMine = (object: KubeObject | undefined): boolean => (object as Pod | undefined)?.spec?.nodeName === name;
  const controller: Controller<Snapshot> = {
    name: `kubelet-${name}`,
    actor: `system:node:${name}`,
    initialKeys: [ITSELF],
    watches: [
      { resource: NODES, keys: (next, old) => ((next ?? old)?.metadata.name === name ? [ITSELF, ITS_PODS] : []) },
      { resource: PODS, keys: (next) => (isMine(next) ? [ITS_PODS] : []) },
      { resource: LEASES, keys: () => [] },
      { resource: NAMESPACES, keys: (next) => (next?.metadata.name === LEASE_NAMESPACE ? [ITSELF] : []) },
    ],
    snapshot: (key, lister) => snapshotOf(name, key, lister),
    index: () => new NodeIndex(name),
    reconcile(snapshot, now) {
      if (snapshot.kind === 'node') return beNode(name, snapshot, now);
      if (!snapshot.node) return { changes: [] };
      return runPods({ podPrefix: podPrefixOf(snapshot.node), ...(failingImages ? { failingImages } : {}) }, snapshot.pods, now);
    },
  };
  return controller as unknown as Controller;
}
