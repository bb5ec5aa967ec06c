import { isPodReady, SERVICE_NAME_LABEL, type Endpoint, type EndpointSlice, type Node, type Pod, type Service } from '#libs/api';
import type { Reconcile } from '#libs/apimachinery';
import { HEADLESS, hostnameIn, isEndpoint, isHeadless, servedPorts } from '../service-pods.js';
import { portsKey, reconcileSlices, type PortGroup } from './slices.js';

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
const ZONE = 'topology.kubernetes.io/zone';

export interface EndpointSliceSnapshot {
  readonly service: Service;
  /** Pods the Service selects, by name. */
  readonly pods: readonly Pod[];
  /** The slices of the Service that this controller keeps. */
  readonly slices: readonly EndpointSlice[];
  /** The nodes the pods are on, as far as they exist. */
  readonly nodes: ReadonlyMap<string, Node>;
}

/** Keeps a Service's EndpointSlices: which addresses serve it, which of them are ready, on which ports. */
export const reconcileEndpointSlices: Reconcile<EndpointSliceSnapshot> = ({ service, pods, slices, nodes }) => {
  if (service.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const groups = new Map<string, { ports: PortGroup['ports']; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const nodeName = pod.spec?.nodeName;
    const node = nodeName === undefined ? undefined : nodes.get(nodeName);
    if (!isEndpoint(pod, true) || (nodeName !== undefined && !node)) continue;
    const ports = servedPorts(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod, node));
    groups.set(key, group);
  }
  return { changes: reconcileSlices(service, labelsOf(service), slices, [...groups.values()]) };
};

function labelsOf(service: Service): Readonly<Record<string, string>> {
  const { [HEADLESS]: _, [SERVICE_NAME_LABEL]: __, [MANAGED_BY]: ___, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
    [SERVICE_NAME_LABEL]: service.metadata.name ?? '',
    [MANAGED_BY]: MANAGER,
  };
}

function endpointOf(service: Service, pod: Pod, node: Node | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const hostname = hostnameIn(service, pod);
  const zone = node?.metadata.labels?.[ZONE];
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone ? { zone } : {}),
  };
}
