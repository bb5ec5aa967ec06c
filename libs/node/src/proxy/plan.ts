import { SERVICE_NAME_LABEL, type EndpointSlice, type Service } from '#libs/api';
import { objectKey } from '#libs/apimachinery';

/** Where one connection may end up. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
}

/** One port of one Service as a node serves it: where it is reached, and the endpoints behind it. */
export interface ProxyPort {
  /** `namespace/name:port`, stable across changes of endpoints. */
  readonly id: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** ClusterIP and externalIPs. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nodePort?: number;
  /** The same client keeps its endpoint as long as the endpoints stay the same. */
  readonly clientAffinity: boolean;
  /** For connections that arrive at the ClusterIP. */
  readonly internal: readonly ProxyEndpoint[];
  /** For connections that arrive at a node port or an external address. */
  readonly external: readonly ProxyEndpoint[];
}

const PROXY_NAME = 'service.kubernetes.io/service-proxy-name';

/**
 * What a node's proxy has to do for these Services, sorted by id. `nodeName` decides what is local where a traffic
 * policy says `Local`. Endpoints are those that are ready; where none is, those that still serve while
 * terminating (KEP-1669).
 */
export function proxyPlan(services: readonly Service[], slices: readonly EndpointSlice[], nodeName: string): readonly ProxyPort[] {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (!name || slice.addressType !== 'IPv4') continue;
    const key = objectKey(slice.metadata.namespace, name);
    const list = slicesOf.get(key);
    if (list) list.push(slice);
    else slicesOf.set(key, [slice]);
  }
  return services
    .filter(isProxied)
    .flatMap((service) =>
      portsOf(service, slicesOf.get(objectKey(service.metadata.namespace, service.metadata.name ?? '')) ?? [], nodeName),
    )
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function isProxied({ spec, metadata }: Service): boolean {
  const ip = spec?.clusterIP;
  return spec?.type !== 'ExternalName' && ip !== undefined && ip !== '' && ip !== 'None' && metadata.labels?.[PROXY_NAME] === undefined;
}

function portsOf(service: Service, slices: readonly EndpointSlice[], nodeName: string): readonly ProxyPort[] {
  const spec = service.spec;
  if (!spec) return [];
  const key = objectKey(service.metadata.namespace, service.metadata.name ?? '');
  const addresses = [...(spec.clusterIP ? [spec.clusterIP] : []), ...(spec.externalIPs ?? [])];
  return (spec.ports ?? []).map((port): ProxyPort => {
    const all = endpointsOf(slices, port.name ?? '');
    const local = all.filter(({ node }) => node === nodeName);
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    return {
      id: `${key}:${port.name ?? ''}`,
      protocol: protocol === 'udp' || protocol === 'sctp' ? protocol : 'tcp',
      addresses,
      port: port.port,
      ...(port.nodePort ? { nodePort: port.nodePort } : {}),
      clientAffinity: spec.sessionAffinity === 'ClientIP',
      internal: usable(spec.internalTrafficPolicy === 'Local' ? local : all),
      external: usable(spec.externalTrafficPolicy === 'Local' ? local : all),
    };
  });
}

interface Candidate extends ProxyEndpoint {
  readonly node: string | undefined;
  readonly ready: boolean;
  readonly draining: boolean;
}

function endpointsOf(slices: readonly EndpointSlice[], portName: string): readonly Candidate[] {
  const seen = new Map<string, Candidate>();
  for (const slice of slices) {
    const number = slice.ports?.find(({ name }) => (name ?? '') === portName)?.port;
    if (number === undefined) continue;
    for (const { addresses, conditions, nodeName } of slice.endpoints ?? []) {
      const address = addresses[0];
      if (address === undefined) continue;
      const candidate: Candidate = {
        address,
        port: number,
        node: nodeName,
        ready: conditions?.ready !== false,
        draining: conditions?.serving === true && conditions.terminating === true,
      };
      const key = `${address}:${number}`;
      const known = seen.get(key);
      if (!known || (!known.ready && candidate.ready)) seen.set(key, candidate);
    }
  }
  return [...seen.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port));
}

function usable(candidates: readonly Candidate[]): readonly ProxyEndpoint[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter(({ draining }) => draining);
  return chosen.map(({ address, port }) => ({ address, port }));
}
