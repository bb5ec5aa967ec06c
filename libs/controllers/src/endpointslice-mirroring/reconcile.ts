import {
  ENDPOINTSLICES,
  SERVICE_NAME_LABEL,
  type DiscoveryEndpointPort,
  type Endpoint,
  type EndpointAddress,
  type Endpoints,
  type EndpointSlice,
  type EndpointSubset,
  type Service,
} from '#libs/api';
import { deepEqual, type Change, type Reconcile } from '#libs/apimachinery';
import { MANAGED_BY } from '../endpointslice/reconcile.js';
import { portsKey } from '../endpointslice/slices.js';
import { byName } from '../ordering.js';
import { controllerReference } from '../ownership.js';

/** Who manages slices that mirror Endpoints. */
export const MIRRORING = 'endpointslicemirroring-controller.k8s.io';
/** Most addresses of a subset that are mirrored, as upstream. */
export const MOST_MIRRORED = 1000;

const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
/** What is said of the Endpoints alone. */
const NOT_MIRRORED = new Set(['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration']);

export interface MirroringSnapshot {
  /** Undefined: it is not there, and its Endpoints are mirrored for nobody. */
  readonly service: Service | undefined;
  readonly endpoints: Endpoints | undefined;
  /** The slices of that name that this controller keeps. */
  readonly slices: readonly EndpointSlice[];
}

/** Endpoints that somebody writes for a Service without a selector. */
const isMirrored = (service: Service | undefined, { metadata: { labels, annotations } }: Endpoints): boolean =>
  service !== undefined && service.spec?.selector === undefined && labels?.[SKIP] !== 'true' && annotations?.[LEADER] === undefined;

/** Keeps the EndpointSlices that tell what the Endpoints of a Service without a selector do. */
export const reconcileMirroring: Reconcile<MirroringSnapshot> = ({ service, endpoints, slices }) => {
  if (!endpoints || !isMirrored(service, endpoints)) return { changes: slices.map(deletion) };
  return { changes: mirror(endpoints, slices) };
};

const deletion = ({ metadata: { name = '', namespace = '', uid } }: EndpointSlice): Change => ({
  verb: 'delete',
  resource: ENDPOINTSLICES,
  namespace,
  name,
  ...(uid === undefined ? {} : { preconditions: { uid } }),
});

/** What one slice is to hold. */
interface Wanted {
  readonly addressType: string;
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

const keyOf = (addressType: string, ports: readonly DiscoveryEndpointPort[] | undefined): string => `${addressType} ${portsKey(ports)}`;

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname ? { hostname } : {}),
  ...(targetRef === undefined ? {} : { targetRef }),
  ...(nodeName === undefined ? {} : { nodeName }),
});

const portsOf = ({ ports = [] }: EndpointSubset): readonly DiscoveryEndpointPort[] =>
  ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));

/** One slice for each set of ports and kind of address. */
function wantedOf(subsets: readonly EndpointSubset[]): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const subset of subsets) {
    const ports = portsOf(subset);
    const { addresses = [], notReadyAddresses = [] } = subset;
    const all = [...addresses.map((one) => endpointOf(one, true)), ...notReadyAddresses.map((one) => endpointOf(one, false))];
    for (const endpoint of all.slice(0, MOST_MIRRORED)) {
      const addressType = endpoint.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4';
      const key = keyOf(addressType, ports);
      const group = wanted.get(key) ?? { addressType, ports, endpoints: new Map<string, Endpoint>() };
      wanted.set(key, group);
      const identity = `${endpoint.addresses.join()} ${endpoint.targetRef?.uid ?? ''}`;
      if (!group.endpoints.has(identity) && group.endpoints.size < MOST_MIRRORED) group.endpoints.set(identity, endpoint);
    }
  }
  return wanted;
}

function sliceOf(endpoints: Endpoints, current: EndpointSlice | undefined, wanted: Wanted): EndpointSlice {
  const { name = '', namespace = '', labels, annotations = {} } = endpoints.metadata;
  const told = Object.entries(annotations).filter(([key]) => !NOT_MIRRORED.has(key));
  const { annotations: _, ...metadata } = current?.metadata ?? { generateName: `${name}-`, namespace };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...metadata,
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY]: MIRRORING },
      ...(told.length === 0 ? {} : { annotations: Object.fromEntries(told) }),
      ownerReferences: [controllerReference(endpoints)],
    },
    addressType: wanted.addressType,
    endpoints: [...wanted.endpoints.values()],
    ports: wanted.ports,
  };
}

const tells = ({ metadata: { labels, annotations, ownerReferences }, endpoints = [], ports }: EndpointSlice): unknown => [
  labels ?? {},
  annotations ?? {},
  ownerReferences,
  endpoints,
  portsKey(ports),
];

/** A slice that would go becomes one of its kind of address that would come, as upstream. */
function mirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): readonly Change[] {
  const wanted = wantedOf(endpoints.subsets ?? []);
  const kept = new Map<string, EndpointSlice>();
  const spare: EndpointSlice[] = [];
  for (const slice of [...existing].sort(byName)) {
    const key = keyOf(slice.addressType, slice.ports);
    if (wanted.has(key) && !kept.has(key)) kept.set(key, slice);
    else spare.push(slice);
  }
  const writes: Change[] = [];
  for (const [key, group] of wanted) {
    const recycled = kept.has(key) ? -1 : spare.findIndex(({ addressType }) => addressType === group.addressType);
    const current = recycled < 0 ? kept.get(key) : spare.splice(recycled, 1)[0];
    const object = sliceOf(endpoints, current, group);
    if (current && deepEqual(tells(current), tells(object))) continue;
    if (current) writes.push({ verb: 'update', resource: ENDPOINTSLICES, object });
    else if (endpoints.metadata.deletionTimestamp === undefined) writes.push({ verb: 'create', resource: ENDPOINTSLICES, object });
  }
  return [...writes, ...spare.map(deletion)];
}
