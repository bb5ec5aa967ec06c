import { LEASES, NODES, PODS, type Lease, type Node, type Pod, type Taint } from '#libs/api';
import {
  formatMicroTime,
  formatTime,
  parseTime,
  type Change,
  type Controller,
  type Instant,
  type ReconcileResult,
} from '#libs/apimachinery';
import { healthyConditions } from '#libs/node';
import { simulatedPodChange } from './simulated-pod.js';

/** A node that only pretends: what it says of itself. */
export interface SimulatedNodeOptions {
  readonly name: string;
  /** First three numbers of its pods' addresses, e.g. `10.64.1`; the node has `.1`. */
  readonly podPrefix: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** What registries say of images that can't be pulled, by image; absent: every image is there. */
  readonly failingImages?: ReadonlyMap<string, string>;
}

/** Where nodes' leases are. */
export const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Upstream's nodeStatusReportFrequency. */
export const REPORT_MS = 300_000;
const ITSELF = 'node';
const ITS_PODS = 'pods';

type Snapshot =
  | { readonly kind: 'node'; readonly node: Node | undefined; readonly lease: Lease | undefined; readonly namespaced: boolean }
  | { readonly kind: 'pods'; readonly pods: readonly Pod[] };

function nodeObject({ name, podPrefix, labels, taints }: SimulatedNodeOptions): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'decklog.dev/runtime': 'simulated',
        ...labels,
      },
    },
    spec: { podCIDR: `${podPrefix}.0/24`, podCIDRs: [`${podPrefix}.0/24`], ...(taints ? { taints } : {}) },
  };
}

function reported(options: SimulatedNodeOptions, node: Node, now: Instant): Node {
  const time = formatTime(now);
  const { name, podPrefix, cpu = '4', memory = '8Gi', pods = 110 } = options;
  const amounts = { cpu, memory, pods: String(pods) };
  const conditions = healthyConditions(node.status?.conditions ?? [], time);
  const addresses = [
    { type: 'InternalIP', address: `${podPrefix}.1` },
    { type: 'Hostname', address: name },
  ];
  return { ...node, status: { ...node.status, capacity: amounts, allocatable: amounts, conditions, addresses } };
}

/** A node's sign of life. */
export function renewed({ name }: Pick<SimulatedNodeOptions, 'name'>, node: Node, lease: Lease | undefined, now: Instant): Change {
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime(now) };
  if (lease) {
    const object: Lease = { ...lease, spec };
    return { verb: 'update', resource: LEASES, object };
  }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid ?? '' }];
  const object: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences },
    spec,
  };
  return { verb: 'create', resource: LEASES, object };
}

/** Joins, reports, and renews its lease every ten seconds. */
function beNode(options: SimulatedNodeOptions, snapshot: Extract<Snapshot, { kind: 'node' }>, now: Instant): ReconcileResult {
  const { node, lease, namespaced } = snapshot;
  if (!node) return { changes: [{ verb: 'create', resource: NODES, object: nodeObject(options) }] };
  const changes: Change[] = [];
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const saidAt = parseTime(ready?.lastHeartbeatTime) ?? 0;
  if (ready?.status !== 'True' || saidAt + REPORT_MS <= now) {
    const object = reported(options, node, now);
    changes.push({ verb: 'update', resource: NODES, subresource: 'status', object });
  }
  const renewedAt = parseTime(lease?.spec?.renewTime) ?? 0;
  const due = renewedAt + RENEW_MS <= now;
  if (due && namespaced) changes.push(renewed(options, node, lease, now));
  return { changes, requeueAfterMs: due ? RENEW_MS : renewedAt + RENEW_MS - now };
}

const ageOf = ({ metadata }: Pod): string => `${metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

/** The oldest first. */
export const byAge = (a: Pod, b: Pod): number => (ageOf(a) < ageOf(b) ? -1 : 1);

/** All its pods in one decision: each new one gets the lowest address that none before it has. */
export function runPods(
  { podPrefix, failingImages }: Pick<SimulatedNodeOptions, 'podPrefix' | 'failingImages'>,
  pods: readonly Pod[],
  now: Instant,
): ReconcileResult {
  const taken = new Set(pods.flatMap(({ status }) => status?.podIP ?? []));
  let host = 2;
  const free = (): string => {
    while (taken.has(`${podPrefix}.${host}`) && host < 255) host++;
    return `${podPrefix}.${host}`;
  };
  const changes = pods.flatMap((pod) => {
    const podIp = pod.status?.podIP ?? free();
    const place = { nodeIp: `${podPrefix}.1`, podIp, ...(failingImages === undefined ? {} : { failingImages }) };
    const change = simulatedPodChange(pod, place, now);
    if (change) taken.add(podIp);
    return change ?? [];
  });
  return { changes };
}

/** A node that only pretends, as a controller: run by the simulation, and by an agent without a container engine. */
export function simulatedNode(options: SimulatedNodeOptions): Controller {
  const { name } = options;
  const isMine = (pod: Pod): boolean => pod.spec?.nodeName === name;
  const controller: Controller<Snapshot> = {
    name: `kubelet-${name}`,
    actor: `system:node:${name}`,
    initialKeys: [ITSELF],
    watches: [
      { resource: NODES, keys: (next, old) => ((next ?? old)?.metadata.name === name ? [ITSELF] : []) },
      {
        resource: PODS,
        keys: (next) => (next && isMine(next as Pod) ? [ITS_PODS] : []),
      },
    ],
    snapshot(key, lister) {
      if (key === ITSELF) {
        return {
          kind: 'node',
          node: lister.get(NODES, undefined, name) as Node | undefined,
          lease: lister.get(LEASES, LEASE_NAMESPACE, name) as Lease | undefined,
          namespaced: lister.get({ group: '', version: 'v1', resource: 'namespaces' }, undefined, LEASE_NAMESPACE) !== undefined,
        };
      }
      return { kind: 'pods', pods: (lister.list(PODS) as readonly Pod[]).filter(isMine).sort(byAge) };
    },
    reconcile(snapshot, now) {
      return snapshot.kind === 'node' ? beNode(options, snapshot, now) : runPods(options, snapshot.pods, now);
    },
  };
  return controller as unknown as Controller;
}
