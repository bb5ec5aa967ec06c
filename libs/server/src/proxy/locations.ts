import type { EndpointSlice, Pod, Service } from '#libs/api';
import { StatusError, badRequest, cidrContains, parseCidr, parseIp, type CidrBlock } from '#libs/apimachinery';

/** Where a pod or a Service answers. */
export interface Location {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** What follows `pods/` or `services/` in a URL: a name, perhaps a port, perhaps a scheme (apimachinery `SplitSchemeNamePort`). */
export interface ProxiedName {
  readonly secure: boolean;
  readonly name: string;
  readonly port: string;
}

/** Reads `name`, `name:port` or `scheme:name:port`; undefined where it is none of these. */
export function proxiedName(id: string): ProxiedName | undefined {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) return undefined;
  return { secure: scheme === 'https', name, port };
}

/** Addresses that lead back to the server itself or to nobody in particular. */
const NOT_PROXIED: readonly CidrBlock[] = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/24', '::1/128', 'fe80::/10', 'ff02::/16']
  .map(parseCidr)
  .filter((block) => block !== undefined);

/** Whether an address may be reached through the server: no loopback, no link-local address. */
export function isProxyable(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && !NOT_PROXIED.some((block) => block.network.family === ip.family && cidrContains(block, ip));
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Where a pod answers: at the port that is asked for, else at the first that it names. Throws BadRequest. */
export function podLocation(pod: Pod, { secure, port }: ProxiedName, proxyable: (address: string) => boolean): Location {
  const host = pod.status?.podIP ?? '';
  if (host === '' || !proxyable(host)) throw badRequest('address not allowed');
  const named = (pod.spec?.containers ?? []).find(({ ports }) => (ports?.length ?? 0) > 0)?.ports?.[0]?.containerPort;
  const fallback = named ?? DEFAULT_PORTS[secure ? 'https' : 'http'];
  const number = port === '' ? fallback : Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw badRequest(`invalid pod request "${pod.metadata.name ?? ''}:${port}"`);
  return { secure, host, port: number };
}

const unavailable = (message: string): StatusError => new StatusError('ServiceUnavailable', message, {});

/** The name of a Service's port that a URL gives by its number or its name. Throws ServiceUnavailable. */
function portName(service: Service, port: string): string {
  if (!/^\d+$/.test(port)) return port;
  const found = (service.spec?.ports ?? []).find((each) => each.port === Number(port));
  if (!found) throw unavailable(`no service port ${Number(port)} found for service "${service.metadata.name ?? ''}"`);
  return found.name ?? '';
}

/** Where a Service answers: one of its ready endpoints, drawn. Throws ServiceUnavailable where it has none. */
export function serviceLocation(
  service: Service,
  slices: readonly EndpointSlice[],
  { secure, port }: ProxiedName,
  proxyable: (address: string) => boolean,
  draw: number,
): Location {
  const wanted = portName(service, port);
  const found = slices.flatMap(({ ports, endpoints }): readonly Location[] => {
    const number = (ports ?? []).find(({ name = '' }) => name === wanted)?.port;
    if (number === undefined) return [];
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses }) => addresses.map((host) => ({ secure, host, port: number })));
  });
  const location = found[Math.floor(draw * found.length)];
  if (!location) throw unavailable(`no endpoints available for service "${service.metadata.name ?? ''}"`);
  if (!proxyable(location.host)) throw badRequest('address not allowed');
  return location;
}
