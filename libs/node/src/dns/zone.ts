import { SERVICE_NAME_LABEL, type EndpointSlice, type Service } from '#libs/api';
import { objectKey } from '#libs/apimachinery';

/** A question as it arrives: `name` without the final dot, in any case. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
}

/** One record of an answer. `ttl` in seconds. */
export type DnsRecord =
  | { readonly type: 'A'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly ttl: number;
      readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
    };

/**
 * What the cluster's zone says to a question. `forward`: the name is not ours, ask the machine's resolvers;
 * `missing`: NXDOMAIN. Records may be none: the name exists, but not with that type.
 */
export type DnsAnswer =
  | { readonly kind: 'forward' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'records'; readonly answers: readonly DnsRecord[]; readonly additionals: readonly DnsRecord[] };

/** Seconds for which an answer may be kept, as CoreDNS' kubernetes plugin has it. */
export const DNS_TTL_SECONDS = 5;

interface Host {
  readonly label: string;
  readonly address: string;
}

interface PortRecord {
  readonly service: string;
  readonly protocol: string;
  readonly port: number;
}

interface ServiceRecord {
  readonly addresses: readonly string[];
  readonly hosts: readonly Host[];
  readonly ports: readonly PortRecord[];
  readonly externalName?: string;
}

/** The cluster's names: the Kubernetes DNS specification (github.com/kubernetes/dns, 1.1.0), IPv4. */
export class DnsZone {
  private readonly services = new Map<string, ServiceRecord>();
  private readonly namespaces = new Set<string>();
  private readonly pointers = new Map<string, string>();

  constructor(
    services: readonly Service[],
    slices: readonly EndpointSlice[],
    private readonly domain: string,
  ) {
    const slicesOf = new Map<string, EndpointSlice[]>();
    for (const slice of slices) {
      const key = objectKey(slice.metadata.namespace, slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? '');
      slicesOf.set(key, [...(slicesOf.get(key) ?? []), slice]);
    }
    for (const service of services)
      this.add(service, slicesOf.get(objectKey(service.metadata.namespace, service.metadata.name ?? '')) ?? []);
  }

  private add({ metadata, spec }: Service, slices: readonly EndpointSlice[]): void {
    const namespace = metadata.namespace ?? '';
    const key = `${metadata.name}.${namespace}`;
    const fqdn = `${key}.svc.${this.domain}`;
    this.namespaces.add(namespace);
    if (spec?.type === 'ExternalName') {
      this.services.set(key, { addresses: [], hosts: [], ports: [], externalName: spec.externalName ?? '' });
      return;
    }
    if (spec?.clusterIP && spec.clusterIP !== 'None') {
      const ports = (spec.ports ?? []).map(({ name, port, protocol }) => ({
        service: name ?? '',
        protocol: (protocol ?? 'TCP').toLowerCase(),
        port,
      }));
      this.services.set(key, { addresses: [spec.clusterIP], hosts: [], ports });
      this.pointers.set(spec.clusterIP, fqdn);
      return;
    }
    const hosts = hostsOf(slices, spec?.publishNotReadyAddresses === true);
    const ports = slices.flatMap((slice) =>
      (slice.ports ?? []).flatMap(({ name, port, protocol }) =>
        port === undefined ? [] : [{ service: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port }],
      ),
    );
    this.services.set(key, { addresses: hosts.map(({ address }) => address), hosts, ports: distinct(ports) });
    for (const { label, address } of hosts) this.pointers.set(address, `${label}.${fqdn}`);
  }

  answer({ name: asked, type }: DnsQuestion): DnsAnswer {
    const name = asked.toLowerCase().replace(/\.$/, '');
    if (name.endsWith('.in-addr.arpa')) return this.reverse(asked, name, type);
    if (name !== this.domain && !name.endsWith(`.${this.domain}`)) return { kind: 'forward' };
    const labels = name.slice(0, Math.max(0, name.length - this.domain.length - 1)).split('.');
    if (labels[0] === '') return records([]);
    if (labels.length === 1 && labels[0] === 'dns-version')
      return records(type === 'TXT' ? [{ type: 'TXT', name: asked, ttl: DNS_TTL_SECONDS, data: '1.1.0' }] : []);
    const zone = labels.at(-1);
    if (zone === 'svc') return this.service(asked, labels.slice(0, -1), type);
    if (zone === 'pod') return this.pod(asked, labels.slice(0, -1), type);
    return { kind: 'missing' };
  }

  private service(asked: string, labels: readonly string[], type: string): DnsAnswer {
    const namespace = labels.at(-1);
    if (namespace === undefined) return records([]);
    if (labels.length === 1) return this.namespaces.has(namespace) ? records([]) : { kind: 'missing' };
    const service = this.services.get(`${labels.at(-2)}.${namespace}`);
    if (!service) return { kind: 'missing' };
    if (service.externalName !== undefined && labels.length === 2)
      return records([{ type: 'CNAME', name: asked, ttl: DNS_TTL_SECONDS, data: service.externalName }]);
    const fqdn = `${labels.at(-2)}.${namespace}.svc.${this.domain}`;
    switch (labels.length) {
      case 2:
        if (type === 'SRV') return srv(asked, fqdn, service, service.ports);
        return service.addresses.length === 0 ? { kind: 'missing' } : addresses(asked, service.addresses, type);
      case 3: {
        const found = service.hosts.filter(({ label }) => label === labels[0]).map(({ address }) => address);
        return found.length === 0 ? { kind: 'missing' } : addresses(asked, found, type);
      }
      case 4: {
        const wanted = service.ports.filter(({ service: port, protocol }) => `_${port}` === labels[0] && `_${protocol}` === labels[1]);
        if (wanted.length === 0) return { kind: 'missing' };
        return type === 'SRV' ? srv(asked, fqdn, service, wanted) : records([]);
      }
      default:
        return { kind: 'missing' };
    }
  }

  private pod(asked: string, labels: readonly string[], type: string): DnsAnswer {
    const [dashed, namespace] = labels;
    if (labels.length !== 2 || dashed === undefined || namespace === undefined) return { kind: 'missing' };
    const address = dashed.replaceAll('-', '.');
    return isIpv4(address) && this.namespaces.has(namespace) ? addresses(asked, [address], type) : { kind: 'missing' };
  }

  private reverse(asked: string, name: string, type: string): DnsAnswer {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
    const target = this.pointers.get(address);
    if (target === undefined) return { kind: 'forward' };
    return records(type === 'PTR' ? [{ type: 'PTR', name: asked, ttl: DNS_TTL_SECONDS, data: target }] : []);
  }
}

function hostsOf(slices: readonly EndpointSlice[], notReadyToo: boolean): readonly Host[] {
  const endpoints = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) => slice.endpoints ?? []);
  return endpoints
    .filter(({ conditions }) => notReadyToo || conditions?.ready !== false)
    .flatMap(({ addresses: found, hostname }) => found.map((address) => ({ label: hostname ?? address.replaceAll('.', '-'), address })));
}

function distinct(ports: readonly PortRecord[]): readonly PortRecord[] {
  return [...new Map(ports.map((port) => [`${port.service}/${port.protocol}/${port.port}`, port])).values()];
}

const isIpv4 = (text: string): boolean => {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
};

const records = (answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): DnsAnswer => ({
  kind: 'records',
  answers,
  additionals,
});

/** Address records of a name that exists; another type than A gets an empty answer, which tells resolvers not to look elsewhere. */
const addresses = (name: string, found: readonly string[], type: string): DnsAnswer =>
  records(type === 'A' || type === 'ANY' ? found.map((data) => ({ type: 'A', name, ttl: DNS_TTL_SECONDS, data })) : []);

/** One SRV record for each port and host, with the hosts' addresses beside them. */
function srv(name: string, fqdn: string, service: ServiceRecord, ports: readonly PortRecord[]): DnsAnswer {
  const hosts: readonly Host[] =
    service.hosts.length > 0
      ? service.hosts.map(({ label, address }) => ({ label: `${label}.${fqdn}`, address }))
      : service.addresses.map((address) => ({ label: fqdn, address }));
  if (hosts.length === 0) return { kind: 'missing' };
  const weight = Math.max(1, Math.floor(100 / hosts.length));
  return records(
    ports.flatMap(({ port }) =>
      hosts.map(({ label }): DnsRecord => ({
        type: 'SRV',
        name,
        ttl: DNS_TTL_SECONDS,
        data: { priority: 0, weight, port, target: label },
      })),
    ),
    hosts.map(({ label, address }): DnsRecord => ({ type: 'A', name: label, ttl: DNS_TTL_SECONDS, data: address })),
  );
}
