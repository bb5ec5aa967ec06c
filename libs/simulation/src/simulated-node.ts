import { LEASES, NODES, PODS, type Lease, type Node, type NodeCondition, type Pod, type Taint } from '#libs/api';
import {
  formatMicroTime,
  formatTime,
  objectKey,
  parseTime,
  type Change,
  type Controller,
  type Instant,
  type ReconcileResult,
} from '#libs/apimachinery';
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
}

const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Upstream's nodeStatusReportFrequency. */
const REPORT_MS = 300_000;
const ITSELF = '';

type Snapshot =
  | { readonly kind: 'node'; readonly node: Node | undefined; readonly lease: Lease | undefined; readonly namespaced: boolean }
  | { readonly kind: 'pod'; readonly pod: Pod; readonly taken: () => ReadonlySet<string> };

const CONDITIONS: readonly Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'>[] = [
  { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
  { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
  { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
];

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
  const conditions = CONDITIONS.map((condition) => {
    const old = node.status?.conditions?.find(({ type }) => type === condition.type);
    const since = old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : time;
    return { ...condition, lastHeartbeatTime: time, lastTransitionTime: since };
  });
  const addresses = [
    { type: 'InternalIP', address: `${podPrefix}.1` },
    { type: 'Hostname', address: name },
  ];
  return { ...node, status: { ...node.status, capacity: amounts, allocatable: amounts, conditions, addresses } };
}

function renewed({ name }: SimulatedNodeOptions, node: Node, lease: Lease | undefined, now: Instant): Change {
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

function freeAddress({ podPrefix }: SimulatedNodeOptions, taken: ReadonlySet<string>): string {
  for (let host = 2; host < 255; host++) if (!taken.has(`${podPrefix}.${host}`)) return `${podPrefix}.${host}`;
  return `${podPrefix}.255`;
}

/** A node that only pretends, as a controller: run by the simulation, and by an agent without a container engine. */
export function simulatedNode(options: SimulatedNodeOptions): Controller {
  const { name, podPrefix } = options;
  const isMine = (pod: Pod): boolean => pod.spec?.nodeName === name;
  const controller: Controller<Snapshot> = {
    name: `kubelet-${name}`,
    actor: `system:node:${name}`,
    initialKeys: [ITSELF],
    watches: [
      { resource: NODES, keys: (next, old) => ((next ?? old)?.metadata.name === name ? [ITSELF] : []) },
      {
        resource: PODS,
        keys: (next) => (next && isMine(next as Pod) ? [objectKey(next.metadata.namespace, next.metadata.name ?? '')] : []),
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
      const [namespace = '', podName = ''] = key.split('/');
      const pod = lister.get(PODS, namespace, podName) as Pod | undefined;
      if (!pod || !isMine(pod)) return undefined;
      const taken = (): ReadonlySet<string> =>
        new Set((lister.list(PODS) as readonly Pod[]).filter(isMine).flatMap(({ status }) => status?.podIP ?? []));
      return { kind: 'pod', pod, taken };
    },
    reconcile(snapshot, now) {
      if (snapshot.kind === 'node') return beNode(options, snapshot, now);
      const podIp = snapshot.pod.status?.podIP ?? freeAddress(options, snapshot.taken());
      const change = simulatedPodChange(snapshot.pod, { nodeIp: `${podPrefix}.1`, podIp }, now);
      return { changes: change ? [change] : [] };
    },
  };
  return controller as unknown as Controller;
}
