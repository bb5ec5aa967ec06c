import { isDns1123Subdomain, pathSegmentNames, required, validateImmutableField, validateIp, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { IPAddress } from '../../generated/types.js';
import { judge, type Problems } from '../../problems.js';
import { IPADDRESSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

function parent({ spec }: IPAddress): string {
  if (!spec?.parentRef) return '<none>';
  const { group, resource = '', namespace, name = '' } = spec.parentRef;
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase();
  return namespace ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}

/** Every problem of an address that is held: who holds it. */
function validate({ spec }: IPAddress): readonly FieldError[] {
  const into: Problems = [];
  const path = 'spec.parentRef';
  if (!spec?.parentRef) return [required(path)];
  const { group, resource, namespace, name } = spec.parentRef;
  if (group) judge(into, `${path}.group`, group, isDns1123Subdomain);
  for (const [member, value] of Object.entries({ resource, name, namespace })) {
    if (value) judge(into, `${path}.${member}`, value, (text) => pathSegmentNames(text, false));
    else if (member !== 'namespace') into.push(required(`${path}.${member}`));
  }
  return into;
}

const validateUpdate = (next: IPAddress, old: IPAddress): readonly FieldError[] => [
  ...validate(next),
  ...validateImmutableField(next.spec?.parentRef, old.spec?.parentRef, 'spec.parentRef'),
];

export const ipaddresses: ResourceDefinition<IPAddress> = {
  resource: IPADDRESSES,
  kind: 'IPAddress',
  listKind: 'IPAddressList',
  singular: 'ipaddress',
  shortNames: ['ip'],
  categories: [],
  scope: 'Cluster',
  names: (name) => validateIp('', name).map(({ message }) => message.replace(/^Invalid value: "[^"]*": /, '')),
  verbs: ALL_VERBS,
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<IPAddress>({ validate, validateUpdate }),
  columns: [NAME, column('ParentRef', parent), AGE],
};
