import { needsHealthCheck, type Service, type ServicePort, type ServiceSpec } from '#libs/api';
import { usesNodePorts } from './claims.js';

const usesAddress = ({ spec }: Service): boolean => spec?.type !== 'ExternalName';

function keptPorts(next: readonly ServicePort[], old: readonly ServicePort[]): readonly ServicePort[] {
  const byName = new Map(old.map(({ name = '', nodePort = 0 }) => [name, nodePort]));
  const used = new Set(next.map(({ nodePort = 0 }) => nodePort));
  return next.map((port) => {
    const nodePort = port.nodePort ? 0 : (byName.get(port.name ?? '') ?? 0);
    if (nodePort === 0 || used.has(nodePort)) return port;
    used.add(nodePort);
    return { ...port, nodePort };
  });
}

/** Addresses follow each other: a client that knows only `clusterIP` changes `clusterIPs` with it. */
function addressesInStep(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const same = JSON.stringify(spec.clusterIPs ?? []) === JSON.stringify(old.clusterIPs ?? []);
  if ((spec.clusterIP ?? '') === (old.clusterIP ?? '') || !same) return spec;
  const { clusterIPs: _stale, ...rest } = spec;
  return spec.clusterIP ? { ...rest, clusterIPs: [spec.clusterIP] } : rest;
}

/** What a client left out of an update and the Service has been given: its address and its node ports. */
export function keepAllocated(next: Service, old: Service): Service {
  const before = old.spec ?? {};
  let spec = next.spec ?? {};
  if (usesAddress(old) && usesAddress(next)) {
    if (!spec.clusterIP && before.clusterIP) spec = { ...spec, clusterIP: before.clusterIP };
    if (!spec.clusterIPs?.length && spec.clusterIP === before.clusterIP && before.clusterIPs)
      spec = { ...spec, clusterIPs: before.clusterIPs };
  }
  if (usesNodePorts(old) && usesNodePorts(next) && spec.ports) spec = { ...spec, ports: keptPorts(spec.ports, before.ports ?? []) };
  if (needsHealthCheck(before) && needsHealthCheck(spec) && !spec.healthCheckNodePort && before.healthCheckNodePort) {
    spec = { ...spec, healthCheckNodePort: before.healthCheckNodePort };
  }
  return { ...next, spec: addressesInStep(spec, before) };
}

const nodePortsText = ({ ports = [] }: ServiceSpec): string => JSON.stringify(ports.map(({ nodePort = 0 }) => nodePort).sort());

/** What goes with a ClusterIP, where the client left it as it was. A client that knows only `clusterIP` may have emptied that. */
function withoutAddress(spec: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy, internalTrafficPolicy, ...rest } = spec;
  const kept = clusterIP !== '' && clusterIP !== before.clusterIP;
  const otherFamilies = JSON.stringify(ipFamilies) !== JSON.stringify(before.ipFamilies ?? []);
  return {
    ...rest,
    ...(kept ? { clusterIP, clusterIPs } : {}),
    ...(otherFamilies ? { ipFamilies } : {}),
    ...(ipFamilyPolicy === undefined || ipFamilyPolicy === before.ipFamilyPolicy ? {} : { ipFamilyPolicy }),
    ...(internalTrafficPolicy === undefined || internalTrafficPolicy === before.internalTrafficPolicy ? {} : { internalTrafficPolicy }),
  };
}

/** What the old type had and the new one has not is dropped, unless the client changed it in the same update. */
export function withoutUnneeded(next: Service, old: Service): Service {
  const before = old.spec ?? {};
  let spec = next.spec ?? {};
  if (usesAddress(old) && !usesAddress(next)) spec = withoutAddress(spec, before);
  if (usesNodePorts(old) && !usesNodePorts(next) && spec.ports && nodePortsText(spec) === nodePortsText(before)) {
    spec = { ...spec, ports: spec.ports.map(({ nodePort: _released, ...port }) => port) };
  }
  if (needsHealthCheck(before) && !needsHealthCheck(spec) && spec.healthCheckNodePort === before.healthCheckNodePort) {
    const { healthCheckNodePort: _released, ...rest } = spec;
    spec = rest;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    const { allocateLoadBalancerNodePorts: allocate, loadBalancerClass: balancer, ...rest } = spec;
    spec = {
      ...rest,
      ...(allocate !== undefined && allocate !== before.allocateLoadBalancerNodePorts ? { allocateLoadBalancerNodePorts: allocate } : {}),
      ...(balancer !== undefined && balancer !== before.loadBalancerClass ? { loadBalancerClass: balancer } : {}),
    };
  }
  const outside = usesNodePorts({ ...next, spec }) || (spec.externalIPs?.length ?? 0) > 0;
  if (!outside && spec.externalTrafficPolicy !== undefined && spec.externalTrafficPolicy === before.externalTrafficPolicy) {
    const { externalTrafficPolicy: _dropped, ...rest } = spec;
    spec = rest;
  }
  return { ...next, spec };
}
