import { AGE, NAME, column, wideColumn } from '../../columns.js';
import type { PrinterColumn } from '../../definition.js';
import type { Node } from '../../generated/types.js';

const ROLE_PREFIX = 'node-role.kubernetes.io/';

function status({ spec, status: is }: Node): string {
  const ready = is?.conditions?.find(({ type }) => type === 'Ready');
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable === true ? `${word},SchedulingDisabled` : word;
}

function roles({ metadata: { labels = {} } }: Node): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(ROLE_PREFIX)) found.add(key.slice(ROLE_PREFIX.length));
    else if (key === 'kubernetes.io/role') found.add(value);
  }
  found.delete('');
  return [...found].sort().join(',') || '<none>';
}

const address = (node: Node, type: string): string => node.status?.addresses?.find((one) => one.type === type)?.address ?? '<none>';

/** The columns of `kubectl get nodes`. */
export const NODE_COLUMNS: readonly PrinterColumn<Node>[] = [
  NAME,
  column('Status', status),
  column('Roles', roles),
  AGE,
  column('Version', (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
  wideColumn('Internal-IP', (node) => address(node, 'InternalIP')),
  wideColumn('External-IP', (node) => address(node, 'ExternalIP')),
  wideColumn('OS-Image', (node) => node.status?.nodeInfo?.osImage || '<unknown>'),
  wideColumn('Kernel-Version', (node) => node.status?.nodeInfo?.kernelVersion || '<unknown>'),
  wideColumn('Container-Runtime', (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
];
