import { dns1035LabelNames } from '#libs/apimachinery';
import { each, fill } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Service, ServicePort, ServiceSpec } from '../../generated/types.js';
import { SERVICES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS, proxyOf, statusOf } from '../../verbs.js';
import { SERVICE_COLUMNS } from './service-columns.js';
import { validateService, validateServiceStatus, validateServiceUpdate, externallyAccessible } from './service-validation.js';

/** Three hours: how long a client sticks to an endpoint unless told otherwise. */
const AFFINITY_SECONDS = 10800;

function portDefaults(port: ServicePort): ServicePort {
  const { protocol = 'TCP', targetPort } = port;
  if (port.protocol !== undefined && targetPort) return port;
  return { ...port, protocol, targetPort: targetPort ? targetPort : port.port };
}

function affinityDefaults(spec: ServiceSpec): ServiceSpec {
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    const { sessionAffinityConfig: _unused, ...rest } = spec;
    return rest;
  }
  if (spec.sessionAffinity !== 'ClientIP' || spec.sessionAffinityConfig?.clientIP?.timeoutSeconds !== undefined) return spec;
  return { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS } } };
}

function specDefaults(sent: ServiceSpec): ServiceSpec {
  let spec = affinityDefaults(fill(sent, { sessionAffinity: 'None', type: 'ClusterIP' }));
  if (spec.ports) {
    const ports = each(spec.ports, portDefaults);
    if (ports !== spec.ports) spec = { ...spec, ports };
  }
  if (externallyAccessible(spec)) spec = fill(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type !== 'ExternalName') spec = fill(spec, { internalTrafficPolicy: 'Cluster' });
  return spec.type === 'LoadBalancer' ? fill(spec, { allocateLoadBalancerNodePorts: true }) : spec;
}

function defaults(service: Service): Service {
  const spec = specDefaults(service.spec ?? {});
  const ingress = service.status?.loadBalancer?.ingress;
  const changed = spec === service.spec ? service : { ...service, spec };
  if (spec.type !== 'LoadBalancer' || !ingress) return changed;
  const next = each(ingress, (point) => (point.ip && point.ipMode === undefined ? { ...point, ipMode: 'VIP' } : point));
  return next === ingress ? changed : { ...changed, status: { ...service.status, loadBalancer: { ingress: next } } };
}

export const services: ResourceDefinition<Service> = {
  resource: SERVICES,
  kind: 'Service',
  listKind: 'ServiceList',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  scope: 'Namespaced',
  names: dns1035LabelNames,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.Service',
  stream: 'state',
  subresources: [proxyOf('Service'), statusOf('Service')],
  fields: { 'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '', 'spec.type': ({ spec }) => spec?.type ?? '' },
  strategy: standardStrategy<Service>({
    defaults,
    prepareForCreate: (service) => ({ ...service, status: { loadBalancer: {} } }),
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    validateStatusUpdate: (next) => validateServiceStatus(next),
  }),
  columns: SERVICE_COLUMNS,
};
