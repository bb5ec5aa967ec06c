import type { Service, ServicePort, ServiceSpec } from '#libs/api';
import { invalidValue, StatusError, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { addressNumber, addressText } from './addresses.js';
import { readyRanges } from './ranges.js';
import { addressClaim, allocatedAddresses, concernsServices, nodePortsOf, portClaim, usesNodePorts, type Claim } from './claims.js';
import { refuseService, withFamilies } from './families.js';
import { drawn, portPool } from './pool.js';
import { keepAllocated, withoutUnneeded } from './type-change.js';

const full = (what: string): StatusError =>
  new StatusError('InternalError', `Internal error occurred: failed to allocate a ${what}: range is full`);

const taken = ({ read }: Case, { resource, name }: Claim): boolean => read.object(resource, '', name) !== undefined;

/** Why an address that a client chose can't be had; undefined where it can. */
function addressRefusal(given: Case, address: string): string | undefined {
  const value = addressNumber(address);
  if (value === undefined) return undefined;
  const found = readyRanges(given).find(({ range }) => range.contains(value));
  if (!found) return 'the provided network does not match the current range';
  const { pool } = found.range;
  if (value < pool.first || value > pool.last) {
    return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${found.cidr}`;
  }
  return taken(given, addressClaim(address)) ? 'provided IP is already allocated' : undefined;
}

function drawnAddress(given: Case): string {
  for (const { cidr, range } of readyRanges(given)) {
    // The first address of the cluster's own range is the API's own Service's.
    const reserved = cidr === given.settings.serviceCidr ? range.pool.first : undefined;
    const free = (value: number): boolean => value !== reserved && !taken(given, addressClaim(addressText(value)));
    const value = drawn(range.pool, given.context.draw, free);
    if (value !== undefined) return addressText(value);
  }
  throw full('serviceIP');
}

function withAddress(service: Service, old: Service | undefined, given: Case): Service {
  const spec = service.spec ?? {};
  if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === 'None' || spec.clusterIP === 'None') return service;
  const held = old ? allocatedAddresses(old) : [];
  const wanted = spec.clusterIPs ?? [];
  if (wanted.length === 0 || wanted[0] === '') {
    const address = drawnAddress(given);
    return { ...service, spec: { ...spec, clusterIP: address, clusterIPs: [address] } };
  }
  for (const address of wanted) {
    const why = held.includes(address) ? undefined : addressRefusal(given, address);
    if (why === undefined) continue;
    refuseService(service.metadata.name ?? '', [invalidValue('spec.clusterIPs', wanted, `failed to allocate IP ${address}: ${why}`)]);
  }
  return service;
}

/** Hands out node ports for one Service: those it holds stay, those it asks for are checked, the rest are drawn. */
class NodePorts {
  readonly #own: Set<number>;

  constructor(
    private readonly given: Case,
    held: readonly number[],
  ) {
    this.#own = new Set(held);
  }

  /** Why a port that a client chose can't be had; undefined where it can. */
  refusal(port: number): string | undefined {
    const [first, last] = this.given.settings.nodePorts;
    if (this.#own.has(port)) return undefined;
    if (port < first || port > last) return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    if (taken(this.given, portClaim(port))) return 'provided port is already allocated';
    this.#own.add(port);
    return undefined;
  }

  draw(what: string): number {
    const { settings, context } = this.given;
    const port = drawn(
      portPool(settings.nodePorts),
      context.draw,
      (value) => !this.#own.has(value) && !taken(this.given, portClaim(value)),
    );
    if (port === undefined) throw full(what);
    this.#own.add(port);
    return port;
  }
}

/** Ports with their node ports: two entries of one port (TCP and UDP) share a node port unless they say otherwise. */
function withNodePorts(service: Service, old: Service | undefined, given: Case): Service {
  if (!usesNodePorts(service)) return service;
  const spec = service.spec ?? {};
  const name = service.metadata.name ?? '';
  const pool = new NodePorts(given, old ? nodePortsOf(old) : []);
  const allocate = spec.type !== 'LoadBalancer' || spec.allocateLoadBalancerNodePorts !== false;
  const byPort = new Map<number, number>();
  const claim = (nodePort: number, i: number): number => {
    const why = pool.refusal(nodePort);
    return why === undefined ? nodePort : refuseService(name, [invalidValue(`spec.ports[${i}].nodePort`, nodePort, why)]);
  };
  const all = spec.ports ?? [];
  const ports = all.map((port, i): ServicePort => {
    if (!port.nodePort && !allocate) return port;
    const shared = byPort.get(port.port);
    const wanted = port.nodePort || shared || all.find((other) => other.port === port.port && other.nodePort)?.nodePort;
    const nodePort = wanted ? claim(wanted, i) : pool.draw('nodePort');
    if (shared === undefined) byPort.set(port.port, nodePort);
    return { ...port, nodePort };
  });
  return { ...service, spec: { ...spec, ...(spec.ports ? { ports } : {}), ...healthCheckPort(spec, pool) } };
}

function healthCheckPort({ type, externalTrafficPolicy, healthCheckNodePort }: ServiceSpec, pool: NodePorts): Partial<ServiceSpec> {
  if (type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local') return {};
  if (!healthCheckNodePort) return { healthCheckNodePort: pool.draw('HealthCheck NodePort') };
  const why = pool.refusal(healthCheckNodePort);
  if (why === undefined) return {};
  const sentence = `failed to allocate requested HealthCheck NodePort ${healthCheckNodePort}: ${why}`;
  throw new StatusError('InternalError', `Internal error occurred: ${sentence}`);
}

/** `clusterIPs` follows `clusterIP` where a client sent the latter alone. */
function inStep(service: Service): Service {
  const { spec = {} } = service;
  if (!spec.clusterIP || (spec.clusterIPs?.length ?? 0) > 0) return service;
  return { ...service, spec: { ...spec, clusterIPs: [spec.clusterIP] } };
}

/** A new Service with its addresses, node ports and families. Other kinds pass unchanged. */
export function allocateForCreate(object: KubeObject, given: Case): KubeObject {
  if (!concernsServices(given)) return object;
  const service = withFamilies(inStep(object as Service), undefined);
  return withNodePorts(withAddress(service, undefined, given), undefined, given);
}

/** A changed Service: what it holds and still needs stays, what its new type needs is allocated. Other kinds pass unchanged. */
export function allocateForUpdate(next: KubeObject, old: KubeObject, given: Case): KubeObject {
  if (!concernsServices(given)) return next;
  const before = old as Service;
  const kept = withFamilies(withoutUnneeded(keepAllocated(next as Service, before), before), before);
  return withNodePorts(withAddress(kept, before, given), before, given);
}
