import { deepEqual, dnsSubdomainNames, invalidValue, pathSegmentNames, required, type FieldError } from '#libs/apimachinery';
import type { Subject } from '../../generated/types.js';
import { judge, unsupported, type Problems } from '../../problems.js';
import { RBAC_GROUP, type Binding } from './binding.js';

function subject(into: Problems, path: string, { kind, name, apiGroup = '', namespace }: Subject, namespaced: boolean): void {
  if (name === '') into.push(required(`${path}.name`));
  if (kind === 'ServiceAccount') {
    if (name !== '') judge(into, `${path}.name`, name, (value) => dnsSubdomainNames(value, false));
    if (apiGroup !== '') into.push(unsupported(`${path}.apiGroup`, apiGroup, ['']));
    if (!namespaced && !namespace) into.push(required(`${path}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== RBAC_GROUP) into.push(unsupported(`${path}.apiGroup`, apiGroup, [RBAC_GROUP]));
  } else into.push(unsupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
}

/** Every problem of a binding: the role it names, and whom it binds. */
export function bindingProblems({ roleRef, subjects }: Binding, namespaced: boolean): readonly FieldError[] {
  const into: Problems = [];
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  const { apiGroup = '', kind, name } = roleRef;
  if (apiGroup !== RBAC_GROUP) into.push(unsupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP]));
  if (!kinds.includes(kind)) into.push(unsupported('roleRef.kind', kind, kinds));
  if (name === '') into.push(required('roleRef.name'));
  else judge(into, 'roleRef.name', name, (value) => pathSegmentNames(value, false));
  for (const [index, one] of (subjects ?? []).entries()) subject(into, `subjects[${index}]`, one, namespaced);
  return into;
}

/** A binding stays with its role. */
export const roleMoved = (next: Binding, old: Binding): readonly FieldError[] =>
  deepEqual(next.roleRef, old.roleRef) ? [] : [invalidValue('roleRef', next.roleRef, 'cannot change roleRef')];
