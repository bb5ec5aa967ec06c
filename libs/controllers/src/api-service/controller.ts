import {
  ENDPOINTS,
  ENDPOINTSLICES,
  NAMESPACES,
  SERVICES,
  SERVICE_NAME_LABEL,
  type Endpoints,
  type EndpointSlice,
  type Service,
} from '#libs/api';
import { deepEqual, type Change, type Controller, type KubeObject, type WatchRule } from '#libs/apimachinery';
import { isActive } from '../serviceaccount/controller.js';
import { namedKey } from '../watching.js';

const NAMESPACE = 'default';
const NAME = 'kubernetes';
const KEY = `${NAMESPACE}/${NAME}`;

/** Where clients within the cluster find the API server. */
export interface ApiServiceOptions {
  /** Address and port that API servers listen at for pods. */
  readonly address: string;
  readonly port: number;
  /** The first address of the range of ClusterIPs. */
  readonly clusterIp: string;
}

export interface ApiServiceSnapshot {
  readonly namespaced: boolean;
  readonly service: Service | undefined;
  readonly endpoints: Endpoints | undefined;
  readonly slice: EndpointSlice | undefined;
}

const PORT = { name: 'https', protocol: 'TCP' };

const serviceFor = ({ clusterIp, port }: ApiServiceOptions): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: NAME, namespace: NAMESPACE, labels: { component: 'apiserver', provider: 'kubernetes' } },
  spec: {
    clusterIP: clusterIp,
    clusterIPs: [clusterIp],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ports: [{ ...PORT, port: 443, targetPort: port }],
    sessionAffinity: 'None',
    type: 'ClusterIP',
  },
});

const endpointsFor = ({ address, port }: ApiServiceOptions): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: NAME, namespace: NAMESPACE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  subsets: [{ addresses: [{ ip: address }], ports: [{ ...PORT, port }] }],
});

const sliceFor = ({ address, port }: ApiServiceOptions): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: NAME, namespace: NAMESPACE, labels: { [SERVICE_NAME_LABEL]: NAME } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ ...PORT, port }],
});

/** Writes what is missing or differs in the fields that matter. */
function bring<T extends KubeObject>(
  resource: WatchRule['resource'],
  wanted: T,
  current: T | undefined,
  differs: (current: T) => T | undefined,
): readonly Change[] {
  if (!current) return [{ verb: 'create', resource, object: wanted }];
  const object = differs(current);
  return object ? [{ verb: 'update', resource, object }] : [];
}

/** Keeps the Service `kubernetes` and where it leads: the part of kube-apiserver that publishes itself. */
export function apiServiceController(options: ApiServiceOptions): Controller<ApiServiceSnapshot> {
  const service = serviceFor(options);
  const endpoints = endpointsFor(options);
  const slice = sliceFor(options);
  return {
    name: 'kubernetes-service-controller',
    actor: 'system:apiserver',
    initialKeys: [KEY],
    watches: [
      namedKey(SERVICES, NAMESPACE, NAME, KEY),
      namedKey(ENDPOINTS, NAMESPACE, NAME, KEY),
      namedKey(ENDPOINTSLICES, NAMESPACE, NAME, KEY),
      namedKey(NAMESPACES, undefined, NAMESPACE, KEY),
    ],
    snapshot: (_key, lister) => {
      const namespace = lister.get(NAMESPACES, undefined, NAMESPACE);
      return {
        namespaced: namespace !== undefined && isActive(namespace),
        service: lister.get(SERVICES, NAMESPACE, NAME) as Service | undefined,
        endpoints: lister.get(ENDPOINTS, NAMESPACE, NAME) as Endpoints | undefined,
        slice: lister.get(ENDPOINTSLICES, NAMESPACE, NAME) as EndpointSlice | undefined,
      };
    },
    reconcile(current) {
      if (!current.namespaced) return { changes: [] };
      return {
        changes: [
          ...bring(SERVICES, service, current.service, (old) =>
            deepEqual(old.spec?.ports, service.spec?.ports)
              ? undefined
              : { ...old, spec: { ...old.spec, ports: service.spec?.ports ?? [] } },
          ),
          ...bring(ENDPOINTS, endpoints, current.endpoints, (old) =>
            deepEqual(old.subsets, endpoints.subsets) ? undefined : { ...old, subsets: endpoints.subsets ?? [] },
          ),
          ...bring(ENDPOINTSLICES, slice, current.slice, (old) =>
            deepEqual(old.endpoints, slice.endpoints) && deepEqual(old.ports, slice.ports)
              ? undefined
              : { ...old, endpoints: slice.endpoints ?? [], ports: slice.ports ?? [] },
          ),
        ],
      };
    },
  };
}
