import { AGE, NAME, column, labelsText, wideColumn } from '../../columns.js';
import type { PrinterColumn } from '../../definition.js';
import type { Service } from '../../generated/types.js';

function externalIp({ spec, status }: Service): string {
  const addresses = spec?.externalIPs ?? [];
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  if (spec?.type === 'ClusterIP' || spec?.type === 'NodePort') return addresses.length > 0 ? addresses.join(',') : '<none>';
  if (spec?.type !== 'LoadBalancer') return '<unknown>';
  const ingress = new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || ''));
  ingress.delete('');
  const all = [...[...ingress].sort(), ...addresses];
  return all.length > 0 ? all.join(',') : '<pending>';
}

const ports = ({ spec }: Service): string =>
  (spec?.ports ?? []).map(({ port, nodePort, protocol }) => `${nodePort ? `${port}:${nodePort}` : port}/${protocol ?? ''}`).join(',');

/** The columns of `kubectl get services`. */
export const SERVICE_COLUMNS: readonly PrinterColumn<Service>[] = [
  NAME,
  column('Type', ({ spec }) => spec?.type ?? ''),
  column('Cluster-IP', ({ spec }) => spec?.clusterIPs?.[0] ?? (spec?.clusterIP || '<none>')),
  column('External-IP', externalIp),
  column('Port(s)', (service) => ports(service) || '<none>'),
  AGE,
  wideColumn('Selector', ({ spec }) => labelsText(spec?.selector)),
];
