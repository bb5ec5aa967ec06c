import { AGE, NAME, column, wideColumn } from '../../columns.js';
import { each, fill, within } from '../../defaulting.js';
import type { PrinterColumn } from '../../definition.js';
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../generated/types.js';

/** The group of roles, and of the users and groups they are bound to. */
export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** What the two kinds of bindings have in common. */
export type Binding = RoleBinding | ClusterRoleBinding;

const subjectDefaults = (subject: Subject): Subject =>
  subject.kind === 'User' || subject.kind === 'Group' ? fill(subject, { apiGroup: RBAC_GROUP }) : subject;

/** Users, groups and roles are of one API group, unless said otherwise. */
export const bindingDefaults = <T extends Binding>(binding: T): T =>
  within<Binding, 'subjects'>(
    within<Binding, 'roleRef'>(binding, 'roleRef', (ref) => (ref.apiGroup ? ref : { ...ref, apiGroup: RBAC_GROUP })),
    'subjects',
    (subjects) => each(subjects, subjectDefaults),
  ) as T;

const named = ({ subjects }: Binding, kind: string): string =>
  (subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' && namespace ? `${namespace}/${name}` : name))
    .join(', ');

/** The columns of bindings, namespaced or not. */
export const BINDING_COLUMNS: readonly PrinterColumn<Binding>[] = [
  NAME,
  column('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  AGE,
  wideColumn('Users', (binding) => named(binding, 'User')),
  wideColumn('Groups', (binding) => named(binding, 'Group')),
  wideColumn('ServiceAccounts', (binding) => named(binding, 'ServiceAccount')),
];
