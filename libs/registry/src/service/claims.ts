import { definitionOf, IPADDRESSES, NODEPORTS, SERVICES, type IPAddress, type ResourceDefinition, type Service } from '#libs/api';
import { apiVersionOf, formatTime, parseIp, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { derivedUid, type Case } from '../case.js';
import type { PlannedWrite } from '../write.js';

/** Something a Service holds alone, as the name of the object that says so: an address, or a node port. */
export interface Claim {
  readonly resource: GroupVersionResource;
  readonly name: string;
}

export const addressClaim = (address: string): Claim => ({ resource: IPADDRESSES, name: address });
export const portClaim = (port: number): Claim => ({ resource: NODEPORTS, name: String(port) });

/** Whether a case is about Services. */
export const concernsServices = ({ definition }: Pick<Case, 'definition'>): boolean =>
  definition.resource.group === SERVICES.group && definition.resource.resource === SERVICES.resource;

export const usesNodePorts = ({ spec }: Service): boolean => spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';

/** The addresses of a Service that are really allocated: none of a headless one or an external name. */
export const allocatedAddresses = ({ spec }: Service): readonly string[] =>
  spec?.type === 'ExternalName' ? [] : (spec?.clusterIPs ?? []).filter((address) => parseIp(address)?.family === 4);

export const nodePortsOf = (service: Service): readonly number[] => {
  if (!usesNodePorts(service)) return [];
  const ports = (service.spec?.ports ?? []).map(({ nodePort = 0 }) => nodePort);
  return [...new Set([...ports, service.spec?.healthCheckNodePort ?? 0])].filter((port) => port > 0);
};

const claimsOf = (service: Service): readonly Claim[] => [
  ...allocatedAddresses(service).map(addressClaim),
  ...nodePortsOf(service).map(portClaim),
];

/** The kind of an object that claims something. */
export function definitionOfClaim(resource: GroupVersionResource): ResourceDefinition {
  const definition = definitionOf(resource);
  if (!definition) throw new Error(`the kind of ${resource.resource} is not defined`);
  return definition;
}

function claimObject({ resource, name }: Claim, service: Service, now: number, uid: string): IPAddress {
  const labels =
    resource.resource === IPADDRESSES.resource
      ? { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } }
      : {};
  const { namespace, name: parent } = service.metadata;
  return {
    apiVersion: apiVersionOf(resource),
    kind: definitionOfClaim(resource).kind,
    metadata: { name, uid, creationTimestamp: formatTime(now), ...labels },
    spec: {
      parentRef: {
        resource: SERVICES.resource,
        ...(namespace === undefined ? {} : { namespace }),
        ...(parent === undefined ? {} : { name: parent }),
      },
    },
  };
}

const heldBy = ({ spec }: IPAddress, service: Service): boolean =>
  spec?.parentRef?.namespace === service.metadata.namespace && spec?.parentRef?.name === service.metadata.name;

/**
 * What is written with a Service so that no other gets its addresses and node ports: claims for what it has now
 * and had not, and the end of those for what it no longer has. Nothing for other kinds.
 */
export function serviceClaimWrites(given: Case, old: KubeObject | undefined, next: KubeObject | undefined): readonly PlannedWrite[] {
  if (!concernsServices(given)) return [];
  const { read, context } = given;
  const had = old ? claimsOf(old as Service) : [];
  const has = next ? claimsOf(next as Service) : [];
  const among = (claims: readonly Claim[], claim: Claim): boolean =>
    claims.some(({ resource, name }) => resource === claim.resource && name === claim.name);
  const added = has
    .filter((claim) => !among(had, claim))
    .map((claim, i): PlannedWrite => {
      const object = claimObject(claim, next as Service, context.now, derivedUid(context.uid, i + 1));
      return { type: 'Created', definition: definitionOfClaim(claim.resource), object, previous: 0 };
    });
  const released = had
    .filter((claim) => !among(has, claim))
    .flatMap((claim): readonly PlannedWrite[] => {
      const held = read.object(claim.resource, '', claim.name);
      if (!held || !heldBy(held.object, old as Service)) return [];
      return [{ type: 'Deleted', definition: definitionOfClaim(claim.resource), object: held.object, previous: held.sequence }];
    });
  return [...added, ...released];
}
