import type { Node, NodeCondition, Taint } from '#libs/api';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** The node's condition of one type. */
export const nodeCondition = ({ status }: Node, type: string): NodeCondition | undefined =>
  status?.conditions?.find((one) => one.type === type);

export const isNodeReady = (node: Node): boolean => nodeCondition(node, 'Ready')?.status === 'True';

/** The address at which a node is reached from within the cluster. */
export const internalIp = ({ status }: Node): string | undefined => status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;

/** Taints that follow from a node's conditions and from its being cordoned: key and effect. */
export const OWN_TAINTS: ReadonlySet<string> = new Set([
  NOT_READY,
  UNREACHABLE,
  'node.kubernetes.io/memory-pressure',
  'node.kubernetes.io/disk-pressure',
  'node.kubernetes.io/network-unavailable',
  'node.kubernetes.io/pid-pressure',
  'node.kubernetes.io/unschedulable',
]);

const PRESSURE: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
};

/** The taints that a node's state asks for, without the times at which they were added. */
export function wantedTaints(node: Node): readonly Pick<Taint, 'key' | 'effect'>[] {
  const wanted: Pick<Taint, 'key' | 'effect'>[] = [];
  const ready = nodeCondition(node, 'Ready');
  const key = ready?.status === 'False' ? NOT_READY : ready?.status === 'Unknown' ? UNREACHABLE : undefined;
  if (key !== undefined) wanted.push({ key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' });
  for (const { type, status } of node.status?.conditions ?? []) {
    const pressure = PRESSURE[type];
    if (pressure !== undefined && status === 'True') wanted.push({ key: pressure, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });
  return wanted;
}
