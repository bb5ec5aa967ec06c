import type { Role, RoleBinding } from '#libs/api';
import { accounts, binding, on, role, users } from './builder.js';
import { EVENTS } from './cluster-roles.js';

const READ = 'get list watch';
const SYSTEM = 'kube-system';
const PUBLIC = 'kube-public';
const READER = 'extension-apiserver-authentication-reader';
const MANAGER = 'kube-controller-manager';
const SCHEDULER = 'kube-scheduler';

/** The Roles of upstream's default policy (bootstrappolicy `namespace_policy.go`). */
export const NAMESPACE_ROLES: readonly Role[] = [
  role(SYSTEM, READER, [on(READ, 'core', 'configmaps', 'extension-apiserver-authentication')]),
  role(SYSTEM, 'system:controller:bootstrap-signer', [on(READ, 'core', 'secrets')]),
  role(SYSTEM, 'system:controller:cloud-provider', [on(`create ${READ}`, 'core', 'configmaps')]),
  role(SYSTEM, 'system:controller:token-cleaner', [on(`delete ${READ}`, 'core', 'secrets'), EVENTS]),
  role(SYSTEM, `system::leader-locking-${MANAGER}`, [
    on('watch', 'core', 'configmaps'),
    on('get update', 'core', 'configmaps', MANAGER),
    on(`create ${READ} update`, 'coordination.k8s.io', 'leases'),
  ]),
  role(SYSTEM, `system::leader-locking-${SCHEDULER}`, [
    on('watch', 'core', 'configmaps'),
    on('get update', 'core', 'configmaps', SCHEDULER),
  ]),
  role(PUBLIC, 'system:controller:bootstrap-signer', [
    on(READ, 'core', 'configmaps'),
    on('update', 'core', 'configmaps', 'cluster-info'),
    EVENTS,
  ]),
];

/** The RoleBindings of upstream's default policy. */
export const NAMESPACE_ROLE_BINDINGS: readonly RoleBinding[] = [
  binding(SYSTEM, READER, users(`system:${MANAGER}`, `system:${SCHEDULER}`), `system::${READER}`),
  binding(SYSTEM, `system::leader-locking-${MANAGER}`, [...users(`system:${MANAGER}`), ...accounts(MANAGER, 'leader-election-controller')]),
  binding(SYSTEM, `system::leader-locking-${SCHEDULER}`, [...users(`system:${SCHEDULER}`), ...accounts(SCHEDULER)]),
  binding(SYSTEM, 'system:controller:bootstrap-signer', accounts('bootstrap-signer')),
  binding(SYSTEM, 'system:controller:cloud-provider', accounts('cloud-provider')),
  binding(SYSTEM, 'system:controller:token-cleaner', accounts('token-cleaner')),
  binding(PUBLIC, 'system:controller:bootstrap-signer', accounts('bootstrap-signer')),
];
