import { ENDPOINTSLICES, SERVICES, SERVICE_NAME_LABEL, type EndpointSlice, type Service, type ServicePort } from '#libs/api';
import type { Lister } from '#libs/apimachinery';

/** Where a Service of the cluster is reached, or why it is not, in upstream's words. */
export type Resolved = { readonly host: string; readonly port: number } | { readonly failure: string };

function externalOf(service: Service, port: number): Resolved {
  const { externalName = '' } = service.spec ?? {};
  return externalName === '' ? { failure: `no external name for service "${service.metadata.name}"` } : { host: externalName, port };
}

function endpointOf(slices: readonly EndpointSlice[], wanted: ServicePort): Resolved | undefined {
  for (const { endpoints = [], ports } of slices) {
    const port = ports?.find(({ name = '' }) => name === (wanted.name ?? ''))?.port;
    const ready = (endpoints ?? []).find(({ conditions }) => conditions?.ready !== false);
    const [host] = ready?.addresses ?? [];
    if (host !== undefined && port !== undefined) return { host, port };
  }
  return undefined;
}

/**
 * A ready endpoint of a Service. The control plane does not depend on a node's proxy: it goes to a pod's address
 * itself, as upstream's resolver does where it routes for aggregated APIs.
 */
export function resolveService(lister: Pick<Lister, 'get' | 'list'>, namespace: string, name: string, port: number): Resolved {
  const service = lister.get(SERVICES, namespace, name) as Service | undefined;
  if (!service) return { failure: `service "${name}" not found` };
  if (service.spec?.type === 'ExternalName') return externalOf(service, port);
  const wanted = service.spec?.ports?.find((each) => each.port === port);
  if (!wanted) return { failure: `no service port ${port} found for service "${name}"` };
  const slices = lister.list(ENDPOINTSLICES, namespace) as readonly EndpointSlice[];
  const own = slices.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name);
  return endpointOf(own, wanted) ?? { failure: `no endpoints available for service "${name}"` };
}
