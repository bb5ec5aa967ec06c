import { ENDPOINTS, isPodReady, type EndpointAddress, type Endpoints, type EndpointSubset, type Pod, type Service } from '#libs/api';
import { deepEqual, type Change, type Reconcile } from '#libs/apimachinery';
import { HEADLESS, hostnameIn, isEndpoint, isHeadless, servedPorts, type ServedPort } from '../service-pods.js';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
/** Most addresses in one Endpoints object, as upstream. */
export const MOST_ADDRESSES = 1000;

export interface EndpointsSnapshot {
  /** Undefined: it is gone, and what this controller kept for it goes too. */
  readonly service: Service | undefined;
  /** Pods the Service selects, by name. */
  readonly pods: readonly Pod[];
  readonly endpoints: Endpoints | undefined;
}

/** Keeps a Service's Endpoints, the older form of its EndpointSlices. */
export const reconcileEndpoints: Reconcile<EndpointsSnapshot> = ({ service, pods, endpoints }) => {
  if (!service) return { changes: endpoints?.metadata.labels?.[MANAGED_BY] === MANAGER ? [removal(endpoints)] : [] };
  if (service.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const { subsets, truncated } = bounded(subsetsOf(service, pods));
  const { [HEADLESS]: _, ...own } = service.metadata.labels ?? {};
  const labels = { ...own, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}), [MANAGED_BY]: MANAGER };
  const { [OVER_CAPACITY]: __, ...kept } = endpoints?.metadata.annotations ?? {};
  const annotations = truncated ? { ...kept, [OVER_CAPACITY]: 'truncated' } : kept;
  return { changes: write(service, endpoints, labels, annotations, subsets) };
};

const removal = ({ metadata: { name = '', namespace = '', uid = '' } }: Endpoints): Change => ({
  verb: 'delete',
  resource: ENDPOINTS,
  namespace,
  name,
  preconditions: { uid },
});

function write(
  { metadata: { name = '', namespace = '' } }: Service,
  current: Endpoints | undefined,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  subsets: readonly EndpointSubset[],
): readonly Change[] {
  const same = deepEqual(current?.subsets ?? [], subsets) && deepEqual(current?.metadata.labels ?? {}, labels);
  if (current && same && deepEqual(current.metadata.annotations ?? {}, annotations)) return [];
  const { annotations: _, ...metadata } = current?.metadata ?? { name, namespace };
  const object: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
  return [{ verb: current ? 'update' : 'create', resource: ENDPOINTS, object }];
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const hostname = hostnameIn(service, pod);
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return {
    ip: pod.status?.podIP ?? '',
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

const portKey = ({ name, port, protocol, appProtocol = '' }: ServedPort): string =>
  `${protocol} ${String(port).padStart(5, '0')} ${name} ${appProtocol}`;

const byIp = (a: EndpointAddress, b: EndpointAddress): number =>
  a.ip === b.ip ? ((a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1) : a.ip < b.ip ? -1 : 1;

/** Ports that serve the same addresses share a subset, and each address is in it once: upstream's RepackSubsets. */
function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const unreadyToo = service.spec?.publishNotReadyAddresses === true;
  const byPort = new Map<
    string,
    { readonly port: ServedPort | undefined; readonly ready: EndpointAddress[]; readonly not: EndpointAddress[] }
  >();
  for (const pod of pods) {
    if (!isEndpoint(pod, unreadyToo)) continue;
    const address = addressOf(service, pod);
    const ready = unreadyToo || isPodReady(pod);
    const ports = servedPorts(service, pod);
    const listed = (service.spec?.ports ?? []).length === 0 && isHeadless(service) ? [undefined] : ports;
    for (const port of listed) {
      const key = port ? portKey(port) : '';
      const entry = byPort.get(key) ?? { port, ready: [], not: [] };
      byPort.set(key, entry);
      (ready ? entry.ready : entry.not).push(address);
    }
  }
  const merged = new Map<
    string,
    { readonly ports: ServedPort[]; readonly ready: readonly EndpointAddress[]; readonly not: readonly EndpointAddress[] }
  >();
  for (const [, { port, ready, not }] of [...byPort].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = [
      ...ready.map(({ ip, targetRef }) => `+${ip} ${targetRef?.uid ?? ''}`),
      ...not.map(({ ip, targetRef }) => `-${ip} ${targetRef?.uid ?? ''}`),
    ]
      .sort()
      .join();
    const entry = merged.get(key) ?? { ports: [], ready: [...ready].sort(byIp), not: [...not].sort(byIp) };
    merged.set(key, entry);
    if (port) entry.ports.push(port);
  }
  return [...merged.values()].map(({ ports, ready, not }) => ({
    ...(ready.length > 0 ? { addresses: ready } : {}),
    ...(not.length > 0 ? { notReadyAddresses: not } : {}),
    ...(ports.length > 0 ? { ports: ports.map(written) } : {}),
  }));
}

const written = ({ name, ...port }: ServedPort): ServedPort | Omit<ServedPort, 'name'> => (name === '' ? port : { name, ...port });

/** No more than a thousand addresses, ready ones first. */
function bounded(subsets: readonly EndpointSubset[]): { readonly subsets: readonly EndpointSubset[]; readonly truncated: boolean } {
  const count = subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0);
  if (count <= MOST_ADDRESSES) return { subsets, truncated: false };
  let room = MOST_ADDRESSES;
  const take = (list: readonly EndpointAddress[]): readonly EndpointAddress[] => {
    const taken = list.slice(0, room);
    room -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses = [] }) => take(addresses));
  const cut = subsets.map(({ notReadyAddresses = [], ports }, i) => {
    const addresses = ready[i] ?? [];
    const not = take(notReadyAddresses);
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(not.length > 0 ? { notReadyAddresses: not } : {}),
      ...(ports ? { ports } : {}),
    };
  });
  return { subsets: cut.filter(({ addresses, notReadyAddresses }) => addresses || notReadyAddresses), truncated: true };
}
