import {
  ENDPOINTSLICES,
  NAMESPACES,
  NODES,
  SERVICES,
  SERVICE_NAME_LABEL,
  type DiscoveryEndpointPort,
  type Endpoint,
  type EndpointSlice,
  type Node,
  type Service,
} from '#libs/api';
import { deepEqual, type Change, type Controller, type Reconcile, type WatchRule } from '#libs/apimachinery';
import { internalIp, isNodeReady } from '../node-conditions.js';
import { byName } from '../ordering.js';
import { isActive } from '../serviceaccount/controller.js';

const NAMESPACE = 'kube-system';
const NAME = 'kube-dns';
const KEY = `${NAMESPACE}/${NAME}`;
const LABELS = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
const PORTS: readonly DiscoveryEndpointPort[] = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
];

export interface DnsServiceSnapshot {
  readonly namespaced: boolean;
  readonly service: Service | undefined;
  readonly slice: EndpointSlice | undefined;
  /** By name. */
  readonly nodes: readonly Node[];
}

const resolvers = (nodes: readonly Node[]): readonly Endpoint[] =>
  nodes.flatMap((node) => {
    const address = internalIp(node);
    const nodeName = node.metadata.name;
    if (address === undefined || !isNodeReady(node)) return [];
    return [
      {
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    ];
  });

const decide =
  (clusterIp: string): Reconcile<DnsServiceSnapshot> =>
  ({ namespaced, service, slice, nodes }) => {
    if (!namespaced) return { changes: [] };
    const changes: Change[] = [];
    if (!service) {
      const object: Service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: NAME, namespace: NAMESPACE, labels: LABELS },
        spec: {
          clusterIP: clusterIp,
          ports: PORTS.map(({ name, protocol, port }) => ({
            name: name ?? '',
            protocol: protocol ?? '',
            port: port ?? 0,
            targetPort: port ?? 0,
          })),
        },
      };
      changes.push({ verb: 'create', resource: SERVICES, object });
    }
    const endpoints = resolvers(nodes);
    if (!slice) {
      const metadata = { name: NAME, namespace: NAMESPACE, labels: { ...LABELS, [SERVICE_NAME_LABEL]: NAME } };
      const object: EndpointSlice = {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata,
        addressType: 'IPv4',
        endpoints,
        ports: PORTS,
      };
      changes.push({ verb: 'create', resource: ENDPOINTSLICES, object });
    } else if (!deepEqual(slice.endpoints ?? [], endpoints)) {
      const object: EndpointSlice = { ...slice, endpoints };
      changes.push({ verb: 'update', resource: ENDPOINTSLICES, object });
    }
    return { changes };
  };

const woken = (
  resource: WatchRule['resource'],
  concerns: (namespace: string | undefined, name: string | undefined) => boolean,
): WatchRule => ({
  resource,
  keys(next, old) {
    const { namespace, name } = (next ?? old)?.metadata ?? {};
    return concerns(namespace, name) ? [KEY] : [];
  },
});

const resolving: WatchRule = {
  resource: NODES,
  keys(next, old) {
    const of = (node: typeof next): readonly Endpoint[] => (node ? resolvers([node as Node]) : []);
    return deepEqual(of(next), of(old)) ? [] : [KEY];
  },
};

/** Keeps the cluster's resolver, a Service at a given address that leads to the DNS servers of all ready nodes. */
export const dnsServiceController = (clusterIp: string): Controller<DnsServiceSnapshot> => ({
  name: 'cluster-dns-controller',
  actor: 'system:serviceaccount:kube-system:cluster-dns-controller',
  initialKeys: [KEY],
  watches: [
    woken(SERVICES, (namespace, name) => namespace === NAMESPACE && name === NAME),
    woken(ENDPOINTSLICES, (namespace, name) => namespace === NAMESPACE && name === NAME),
    woken(NAMESPACES, (_namespace, name) => name === NAMESPACE),
    resolving,
  ],
  snapshot: (_key, lister) => {
    const namespace = lister.get(NAMESPACES, undefined, NAMESPACE);
    return {
      namespaced: namespace !== undefined && isActive(namespace),
      service: lister.get(SERVICES, NAMESPACE, NAME) as Service | undefined,
      slice: lister.get(ENDPOINTSLICES, NAMESPACE, NAME) as EndpointSlice | undefined,
      nodes: [...(lister.list(NODES) as readonly Node[])].sort(byName),
    };
  },
  reconcile: decide(clusterIp),
});
