import { ENDPOINTSLICES, PODS, SERVICES, SERVICE_NAME_LABEL, type EndpointSlice, type Pod, type Service } from '#libs/api';
import { badRequest, StatusError } from '#libs/apimachinery';
import type { StateView, World } from '#libs/runtime';
import type { Call } from '../call.js';
import type { Reader } from '../reads/reader.js';
import { nothingHere } from '../encoding/respond.js';
import type { ServedResource } from '../served-resource.js';
import type { Backend, Forwarder, Upgrade } from './forwarder.js';
import { podLocation, proxiedName, serviceLocation, type Location, type ProxiedName } from './locations.js';

/** What proxying to pods and Services works with. */
export interface ObjectProxySources {
  readonly view: StateView;
  readonly reader: Reader;
  readonly pods: ServedResource;
  readonly services: ServedResource;
  readonly forwarder: Forwarder;
  readonly world: World;
  /** Which addresses may be reached through the server. */
  readonly isProxyable: (address: string) => boolean;
}

/** A proxied request's path in two: what leads to the proxy, and what the backend is asked for, as the client wrote it. */
export function pathsOf(target: string, leading: number): { readonly prefix: string; readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  const whole = at < 0 ? target : target.slice(0, at);
  const segments = whole.split('/');
  return {
    prefix: segments.slice(0, leading + 1).join('/'),
    path: segments.length > leading + 1 ? `/${segments.slice(leading + 1).join('/')}` : '',
    query: at < 0 ? '' : target.slice(at),
  };
}

/** Segments before what the backend is asked for: `api/v1/namespaces/<namespace>/pods/<name>/proxy`. */
const LEADING = 7;

/** Serves `pods/<name>/proxy` and `services/<name>/proxy`: HTTP to a pod, or to one of a Service's. */
export class ObjectProxy {
  constructor(private readonly sources: ObjectProxySources) {}

  async serve(call: Call, upgrade: Upgrade | undefined): Promise<void> {
    const { info, target, request, response } = call;
    if (info.name === '') throw nothingHere();
    const named = proxiedName(info.name);
    if (!named) throw badRequest(`invalid ${info.resource === PODS.resource ? 'pod' : 'service'} request "${info.name}"`);
    const location = await this.locate(call, named);
    const { prefix, path, query } = pathsOf(target, LEADING);
    if (path === '' && upgrade === undefined && (request.method === 'GET' || request.method === 'HEAD')) {
      // What is relative in the answer is relative to the root of the backend.
      response.writeHead(301, { Location: `${prefix}/${query}`, 'Content-Length': '0' });
      response.end();
      return;
    }
    await this.sources.forwarder.forward(call, upgrade, backendAt(location, { prefix, path: path || '/', query }, request.headers.host));
  }

  private async locate(call: Call, named: ProxiedName): Promise<Location> {
    const { reader, pods, services, view, world, isProxyable } = this.sources;
    const { resource, namespace } = call.info;
    const place = { namespace, name: named.name };
    if (resource === PODS.resource) return podLocation((await reader.get(pods, place, '', call.signal)).object as Pod, named, isProxyable);
    if (resource !== SERVICES.resource) throw nothingHere();
    const service = (await reader.get(services, place, '', call.signal)).object as Service;
    const slices = view.list(ENDPOINTSLICES, namespace) as readonly EndpointSlice[];
    const own = slices.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === named.name);
    return serviceLocation(service, own, named, isProxyable, world.random());
  }
}

function backendAt(
  { secure, host, port }: Location,
  { prefix, path, query }: ReturnType<typeof pathsOf>,
  asked: string | undefined,
): Backend {
  const own = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    secure,
    // A backend's certificate says nothing about a pod's address: upstream does not look at it either.
    options: { host, port, path: `${path}${query}`, rejectUnauthorized: false },
    headers: { 'x-forwarded-uri': `${prefix}${path}`, host: asked ?? own },
    rewriting: { prefix, hosts: asked === undefined ? [own] : [own, asked] },
    unreachable: (why, cause) => new StatusError('ServiceUnavailable', `error trying to reach service: ${why}`, {}, { cause }),
  };
}
