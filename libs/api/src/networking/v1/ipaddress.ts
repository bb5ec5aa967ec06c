import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { IPAddress } from '../../generated/types.js';
import { IPADDRESSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

function parent({ spec }: IPAddress): string {
  if (!spec?.parentRef) return '<none>';
  const { group, resource = '', namespace, name = '' } = spec.parentRef;
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase();
  return namespace ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}

export const ipaddresses: ResourceDefinition<IPAddress> = {
  resource: IPADDRESSES,
  kind: 'IPAddress',
  listKind: 'IPAddressList',
  singular: 'ipaddress',
  shortNames: ['ip'],
  categories: [],
  scope: 'Cluster',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<IPAddress>({}),
  columns: [NAME, column('ParentRef', parent), AGE],
};
