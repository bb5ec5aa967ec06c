import type { APIServiceCondition, APIServiceSpec, EndpointSlice, Service } from '#libs/api';

/** What a check of an APIService says, without its time. */
export type Availability = Pick<APIServiceCondition, 'type' | 'status'> & { readonly reason: string; readonly message: string };

const HTTPS = 443;

const unavailable = (reason: string, message: string): Availability => ({ type: 'Available', status: 'False', reason, message });

/** All checks are passed. */
export const PASSED: Availability = { type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' };

/** Where an APIService is served: its Service in full. */
export interface ServedBy {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** The Service that an APIService names; undefined for a local one. */
export function servedBy({ service }: APIServiceSpec): ServedBy | undefined {
  return service && { namespace: service.namespace ?? '', name: service.name ?? '', port: service.port ?? HTTPS };
}

/**
 * What keeps a Service from serving an API, in the words of kube-aggregator's availability controller; undefined: nothing
 * that can be seen without asking it.
 */
export function hindrance(
  { namespace, name, port }: ServedBy,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Availability | undefined {
  const place = `service/${name} in ${JSON.stringify(namespace)}`;
  if (service === undefined) return unavailable('ServiceNotFound', `${place} is not present`);
  if (service.spec?.type === 'ExternalName') return undefined;
  const found = service.spec?.ports?.find((each) => each.port === port);
  if (found === undefined) return unavailable('ServicePortError', `${place} is not listening on port ${port}`);
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${place}`);
  const portName = found.name ?? '';
  const reachable = slices.some(
    ({ ports, endpoints }) =>
      (ports ?? []).some(({ name: own = '' }) => own === portName) &&
      (endpoints ?? []).some(({ conditions, addresses }) => conditions?.ready !== false && addresses.length > 0),
  );
  if (reachable) return undefined;
  return unavailable('MissingEndpoints', `endpointslices for ${place} have no addresses with port name ${JSON.stringify(portName)}`);
}

/** A Service that was asked for its discovery and did not answer as it should. */
export const failedDiscovery = (url: string, why: string): Availability =>
  unavailable('FailedDiscoveryCheck', `failing or missing response from ${url}: ${why}`);
