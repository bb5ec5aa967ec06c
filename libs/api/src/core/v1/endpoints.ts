import { AGE, NAME, column, firstThree } from '../../columns.js';
import { each, fill, within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { EndpointSubset, Endpoints } from '../../generated/types.js';
import { ENDPOINTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { validateEndpoints } from './endpoints-validation.js';

const subsetDefaults = (subset: EndpointSubset): EndpointSubset =>
  within(subset, 'ports', (ports) => each(ports, (port) => fill(port, { protocol: 'TCP' })));

function addressesOf({ addresses = [], ports = [] }: EndpointSubset): readonly string[] {
  if (ports.length === 0) return addresses.map(({ ip }) => ip);
  return ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)));
}

export const endpoints: ResourceDefinition<Endpoints> = {
  resource: ENDPOINTS,
  kind: 'Endpoints',
  listKind: 'EndpointsList',
  singular: 'endpoints',
  shortNames: ['ep'],
  categories: [],
  scope: 'Namespaced',
  createOnUpdate: true,
  verbs: ALL_VERBS,
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  model: 'io.k8s.api.core.v1.Endpoints',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<Endpoints>({
    defaults: (object) => within(object, 'subsets', (subsets) => each(subsets, subsetDefaults)),
    validate: validateEndpoints,
  }),
  columns: [
    NAME,
    column('Endpoints', ({ subsets = [] }) => (subsets.length === 0 ? '<none>' : firstThree(subsets.flatMap(addressesOf)))),
    AGE,
  ],
};
