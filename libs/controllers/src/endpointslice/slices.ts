import { ENDPOINTSLICES, type DiscoveryEndpointPort, type Endpoint, type EndpointSlice, type Service } from '#libs/api';
import { canonicalJson, deepEqual, type Change } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controllerReference } from '../ownership.js';

/** Most endpoints in one slice, as kube-controller-manager has it by default. */
export const MOST_ENDPOINTS = 100;

/** The endpoints that share a set of ports. */
export interface PortGroup {
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const identity = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses.join(',');

/** Two sets of ports are the same whatever their order. */
export const portsKey = (ports: readonly DiscoveryEndpointPort[] | undefined): string => (ports ?? []).map(canonicalJson).sort().join(';');

interface Draft {
  readonly slice: EndpointSlice | undefined;
  endpoints: readonly Endpoint[];
}

/** The endpoints that are wanted stay in the slices where they are. */
function keep(slice: EndpointSlice, wanted: Map<string, Endpoint>): Draft {
  const endpoints = (slice.endpoints ?? []).flatMap((endpoint) => {
    const key = identity(endpoint);
    const next = wanted.get(key);
    if (!next || !wanted.delete(key)) return [];
    return [deepEqual(next, endpoint) ? endpoint : next];
  });
  return { slice, endpoints };
}

/**
 * The slices of one set of ports: endpoints stay where they are; new ones fill slices that change anyway, then one
 * that has room for them all, then new slices; as upstream, to write as few slices as possible.
 */
function distribute(slices: readonly EndpointSlice[], wanted: readonly Endpoint[]): readonly Draft[] {
  const left = new Map(wanted.map((endpoint) => [identity(endpoint), endpoint]));
  const drafts = [...slices].sort(byName).map((slice) => keep(slice, left));
  const rest = [...left.values()];
  const changed = drafts.filter(({ slice, endpoints }) => !deepEqual(endpoints, slice?.endpoints ?? []));
  for (const draft of changed) draft.endpoints = [...draft.endpoints, ...rest.splice(0, MOST_ENDPOINTS - draft.endpoints.length)];
  const roomy =
    rest.length > 0 &&
    drafts
      .filter(({ endpoints }) => endpoints.length + (rest.length % MOST_ENDPOINTS || MOST_ENDPOINTS) <= MOST_ENDPOINTS)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
  if (roomy) roomy.endpoints = [...roomy.endpoints, ...rest.splice(0, MOST_ENDPOINTS - roomy.endpoints.length)];
  while (rest.length > 0) drafts.push({ slice: undefined, endpoints: rest.splice(0, MOST_ENDPOINTS) });
  return drafts;
}

function newSlice(
  service: Service,
  labels: Readonly<Record<string, string>>,
  ports: readonly DiscoveryEndpointPort[],
  endpoints: readonly Endpoint[],
): EndpointSlice {
  const { name = '', namespace = '' } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { generateName: `${name}-`, namespace, labels, ownerReferences: [controllerReference(service)] },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

const deletion = ({ metadata: { name = '', namespace = '', uid } }: EndpointSlice): Change => ({
  verb: 'delete',
  resource: ENDPOINTSLICES,
  namespace,
  name,
  ...(uid === undefined ? {} : { preconditions: { uid } }),
});

/** Turns the slices there are into those that the groups want. Without any endpoint one empty slice remains. */
export function reconcileSlices(
  service: Service,
  labels: Readonly<Record<string, string>>,
  existing: readonly EndpointSlice[],
  groups: readonly PortGroup[],
): readonly Change[] {
  const drafts: (Draft & { readonly ports: readonly DiscoveryEndpointPort[] })[] = [];
  const unused = new Set(existing);
  for (const { ports, endpoints } of groups) {
    const key = portsKey(ports);
    const slices = existing.filter((slice) => slice.addressType === 'IPv4' && portsKey(slice.ports) === key);
    for (const slice of slices) unused.delete(slice);
    drafts.push(...distribute(slices, endpoints).map((draft) => ({ ...draft, ports })));
  }
  const used = drafts.filter(({ endpoints }) => endpoints.length > 0);
  const empty = [...drafts.flatMap(({ slice, endpoints }) => (slice && endpoints.length === 0 ? [slice] : [])), ...unused].sort(byName);
  const placeholder = used.length === 0 ? empty.find(({ addressType }) => addressType === 'IPv4') : undefined;
  const wanted = used.length > 0 ? used : [{ slice: placeholder, endpoints: [], ports: [] }];
  // A slice that would go becomes one that would come: one write in place of two, and watchers see no gap.
  const spare = empty.filter((slice) => slice !== placeholder && slice.addressType === 'IPv4');
  const creates: Change[] = [];
  const updates: Change[] = [];
  for (const { slice: place, endpoints, ports } of wanted) {
    const slice = place ?? spare.shift();
    if (!slice) creates.push({ verb: 'create', resource: ENDPOINTSLICES, object: newSlice(service, labels, ports, endpoints) });
    else if (
      !deepEqual(slice.endpoints ?? [], endpoints) ||
      !deepEqual(slice.metadata.labels, labels) ||
      portsKey(slice.ports) !== portsKey(ports)
    ) {
      const object: EndpointSlice = { ...slice, metadata: { ...slice.metadata, labels }, endpoints, ports };
      updates.push({ verb: 'update', resource: ENDPOINTSLICES, object });
    }
  }
  const deletes = [...empty.filter(({ addressType }) => addressType !== 'IPv4'), ...spare].map(deletion);
  return [...creates, ...updates, ...deletes];
}
