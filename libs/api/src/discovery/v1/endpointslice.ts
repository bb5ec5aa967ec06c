import { deepEqual, validateImmutableField } from '#libs/apimachinery';
import { AGE, NAME, column, firstThree } from '../../columns.js';
import { each, fill, within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { EndpointSlice } from '../../generated/types.js';
import { ENDPOINTSLICES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { validateEndpointSlice } from './endpointslice-validation.js';

/** Says which Service a slice belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

const PORT = { name: '', protocol: 'TCP' } as const;

/** What counts for the generation: everything but metadata, save labels. */
const counts = ({ metadata, addressType, endpoints, ports }: EndpointSlice): unknown => [
  metadata.labels ?? {},
  addressType,
  endpoints ?? [],
  ports ?? [],
];

export const endpointslices: ResourceDefinition<EndpointSlice> = {
  resource: ENDPOINTSLICES,
  kind: 'EndpointSlice',
  listKind: 'EndpointSliceList',
  singular: 'endpointslice',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.discovery.v1.EndpointSlice',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<EndpointSlice>({
    defaults: (slice) => within(slice, 'ports', (ports) => each(ports, (port) => fill(port, PORT))),
    prepareForCreate: (slice) => withGeneration(slice),
    prepareForUpdate: (next, old) => withGeneration(next, old, !deepEqual(counts(next), counts(old))),
    validate: validateEndpointSlice,
    validateUpdate: (next, old) => [
      ...validateEndpointSlice(next),
      ...validateImmutableField(next.addressType, old.addressType, 'addressType'),
    ],
  }),
  columns: [
    NAME,
    column('AddressType', ({ addressType }) => addressType),
    column('Ports', ({ ports }) => firstThree((ports ?? []).map(({ port, name }) => `${port ?? name ?? '*'}`)) || '<unset>'),
    column('Endpoints', ({ endpoints }) => firstThree((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])) || '<unset>'),
    AGE,
  ],
};
