import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { ClusterAuthorizer, DEFAULT_POLICY, type Attributes, type Subject } from '../index.js';

const RBAC = 'rbac.authorization.k8s.io';

/** The default roles with the rules that the aggregation controller gives them. */
function aggregated(roles: readonly ClusterRole[]): readonly ClusterRole[] {
  const rulesOf = (role: ClusterRole): readonly PolicyRule[] => {
    const selectors = role.aggregationRule?.clusterRoleSelectors;
    if (!selectors) return role.rules ?? [];
    const chosen = roles.filter(({ metadata }) =>
      selectors.some(({ matchLabels = {} }) => Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value)),
    );
    return chosen.flatMap(rulesOf);
  };
  return roles.map((role) => ({ ...role, rules: rulesOf(role) }));
}

const known = (name: string, ...groups: readonly string[]): Subject => ({ name, groups: [...groups, 'system:authenticated'] });
const account = (namespace: string, name: string): Subject =>
  known(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`);

/** The identities of the columns. `view`, `edit` and `admin` are bound in namespace `a`. */
const IDENTITIES: Readonly<Record<string, Subject>> = {
  nobody: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
  anybody: known('anybody'),
  view: known('view'),
  edit: known('edit'),
  admin: known('admin'),
  master: known('root', 'system:masters'),
  manager: known('system:kube-controller-manager'),
  sched: known('system:kube-scheduler'),
  proxy: known('system:kube-proxy'),
  account: account('a', 'default'),
  monitor: known('prometheus', 'system:monitoring'),
  replica: account('kube-system', 'replicaset-controller'),
  collector: account('kube-system', 'generic-garbage-collector'),
};

/** `what` in namespace `a` unless it ends in `!` (namespace `b`) or `@` (cluster-wide); `+` is allowed. */
const MATRIX = `
what                                               nobody anybody view edit admin master manager sched proxy account monitor replica collector
get /version                                            +       +    +    +     +      +       +     +     +       +       +       +         +
get /livez                                              +       +    +    +     +      +       +     +     +       +       +       +         +
get /livez/ping                                         -       -    -    -     -      +       -     -     -       -       +       -         -
get /metrics                                            -       -    -    -     -      +       -     -     -       -       +       -         -
get /api                                                -       +    +    +     +      +       +     +     +       +       +       +         +
get /apis/apps                                          -       +    +    +     +      +       +     +     +       +       +       +         +
get /openapi/v3/api/v1                                  -       +    +    +     +      +       +     +     +       +       +       +         +
post /version                                           -       -    -    -     -      +       -     -     -       -       -       -         -
get /openid/v1/jwks                                     -       -    -    -     -      +       -     -     -       +       -       +         +
get /debug/pprof                                        -       -    -    -     -      +       -     -     -       -       -       -         -
create selfsubjectreviews.authentication.k8s.io@        -       +    +    +     +      +       +     +     +       +       +       +         +
create selfsubjectrulesreviews.authorization.k8s.io@    -       +    +    +     +      +       +     +     +       +       +       +         +
create subjectaccessreviews.authorization.k8s.io@       -       -    -    -     -      +       +     +     -       -       -       -         -
create localsubjectaccessreviews.authorization.k8s.io   -       -    -    -     +      +       -     -     -       -       -       -         -
create tokenreviews.authentication.k8s.io@              -       -    -    -     -      +       +     +     -       -       -       -         -
list pods                                               -       -    +    +     +      +       +     +     -       -       -       +         +
list pods!                                              -       -    -    -     -      +       +     +     -       -       -       +         +
list pods@                                              -       -    -    -     -      +       +     +     -       -       -       +         +
get pods/log                                            -       -    +    +     +      +       -     -     -       -       -       -         +
create pods                                             -       -    -    +     +      +       -     -     -       -       -       +         -
create pods/exec                                        -       -    -    +     +      +       -     -     -       -       -       -         -
get pods/portforward                                    -       -    -    +     +      +       -     -     -       -       -       -         +
create pods/eviction                                    -       -    -    +     +      +       -     -     -       -       -       -         -
create pods/binding                                     -       -    -    -     -      +       -     +     -       -       -       -         -
update pods/status                                      -       -    -    -     -      +       -     +     -       -       -       -         +
patch pods/ephemeralcontainers                          -       -    -    -     -      +       -     -     -       -       -       -         +
deletecollection pods                                   -       -    -    +     +      +       -     -     -       -       -       -         -
get secrets                                             -       -    -    +     +      +       +     -     -       -       -       -         +
list secrets!                                           -       -    -    -     -      +       +     -     -       -       -       -         +
get configmaps                                          -       -    +    +     +      +       +     -     -       -       -       -         +
create services                                         -       -    -    +     +      +       -     -     -       -       -       -         -
get services/proxy                                      -       -    -    +     +      +       -     -     -       -       -       -         +
update services/status                                  -       -    -    -     -      +       -     -     -       -       -       -         +
update endpoints                                        -       -    -    -     -      +       -     -     -       -       -       -         +
get endpointslices.discovery.k8s.io                     -       -    +    +     +      +       -     -     -       -       -       -         +
create endpointslices.discovery.k8s.io                  -       -    -    -     -      +       -     -     -       -       -       -         -
create serviceaccounts                                  -       -    -    +     +      +       +     -     -       -       -       -         -
impersonate serviceaccounts                             -       -    -    +     +      +       -     -     -       -       -       -         -
create serviceaccounts/token                            -       -    -    +     +      +       +     -     -       -       -       -         -
impersonate users@                                      -       -    -    -     -      +       -     -     -       -       -       -         -
create deployments.apps                                 -       -    -    +     +      +       -     -     -       -       -       -         -
update deployments.apps/scale                           -       -    -    +     +      +       -     -     -       -       -       -         +
update deployments.apps/status                          -       -    -    -     -      +       -     -     -       -       -       -         +
update replicasets.apps/status                          -       -    -    -     -      +       -     -     -       -       -       +         +
get controllerrevisions.apps                            -       -    +    +     +      +       -     -     -       -       -       -         +
create jobs.batch                                       -       -    -    +     +      +       -     -     -       -       -       -         -
create networkpolicies.networking.k8s.io                -       -    -    +     +      +       -     -     -       -       -       -         -
create poddisruptionbudgets.policy                      -       -    -    +     +      +       -     -     -       -       -       -         -
create leases.coordination.k8s.io                       -       -    -    +     +      +       +     +     -       -       -       -         -
get limitranges                                         -       -    +    +     +      +       -     -     -       -       -       -         +
create limitranges                                      -       -    -    -     -      +       -     -     -       -       -       -         -
update resourcequotas                                   -       -    -    -     -      +       -     -     -       -       -       -         +
get namespaces                                          -       -    +    +     +      +       +     +     -       -       -       -         +
update namespaces                                       -       -    -    -     -      +       -     -     -       -       -       -         +
list namespaces@                                        -       -    -    -     -      +       +     +     -       -       -       -         +
get roles.${RBAC}                  -       -    -    -     +      +       -     -     -       -       -       -         +
create rolebindings.${RBAC}        -       -    -    -     +      +       -     -     -       -       -       -         -
create clusterroles.${RBAC}@       -       -    -    -     -      +       -     -     -       -       -       -         -
escalate roles.${RBAC}             -       -    -    -     -      +       -     -     -       -       -       -         -
list nodes@                                             -       -    -    -     -      +       +     +     +       -       -       -         +
get nodes/proxy@                                        -       -    -    -     -      +       -     -     -       -       -       -         +
list services@                                          -       -    -    -     -      +       +     +     +       -       -       -         +
create certificatesigningrequests.certificates.k8s.io@  -       -    -    -     -      +       -     -     -       -       -       -         -
create customresourcedefinitions.apiextensions.k8s.io@  -       -    -    -     -      +       -     -     -       -       -       -         -
list mutatingwebhookconfigurations.admissionregistration.k8s.io@ - -    -    -     -      +       +     -     -       -       -       -         +
delete persistentvolumes@                               -       -    -    -     -      +       -     -     -       -       -       -         +
create events                                           -       -    -    +     +      +       +     +     +       -       -       +         +
`;

const cellsOf = (line: string): readonly string[] => line.trim().split(/ +/);

describe('the matrix of identities against verbs', () => {
  const objects = Object.fromEntries(DEFAULT_POLICY.map(({ resource, objects: list }) => [resource.resource, list]));
  const bound = ['view', 'edit', 'admin'].map((name) => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name, namespace: 'a' },
    subjects: [{ kind: 'User', name }],
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
  }));
  const all: Readonly<Record<string, readonly KubeObject[]>> = {
    ...objects,
    clusterroles: aggregated((objects['clusterroles'] ?? []) as readonly ClusterRole[]),
    clusterrolebindings: (objects['clusterrolebindings'] ?? []) as readonly ClusterRoleBinding[],
    rolebindings: [...(objects['rolebindings'] ?? []), ...bound],
  };
  const list = ({ resource }: GroupVersionResource, namespace?: string): readonly KubeObject[] =>
    (all[resource] ?? []).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const cluster = new ClusterAuthorizer({ get: () => undefined, list });

  const attributes = (user: Subject, what: string): Attributes => {
    const [verb = '', target = ''] = what.split(' ');
    if (target.startsWith('/')) return { kind: 'path', user, verb, path: target };
    const namespace = target.endsWith('@') ? '' : target.endsWith('!') ? 'b' : 'a';
    const [full = '', subresource = ''] = target.replace(/[!@]$/, '').split('/');
    const [resource = '', ...group] = full.split('.');
    const name = ['list', 'create', 'deletecollection'].includes(verb) && subresource === '' ? '' : 'n';
    return { kind: 'resource', user, verb, group: group.join('.'), resource, subresource, namespace, name };
  };

  const [head = [], ...rows] = MATRIX.trim().split('\n').map(cellsOf);
  const columns = head.slice(1);
  it('has a column for each identity', () => {
    expect(columns).toEqual(Object.keys(IDENTITIES));
  });

  it.each(rows.map((cells) => [cells.slice(0, 2).join(' '), cells.slice(2)] as const))('%s', (what, cells) => {
    const wanted = Object.fromEntries(columns.map((column, i) => [column, cells[i] === '+']));
    const found = Object.fromEntries(
      columns.map((column) => [column, cluster.authorize(attributes(IDENTITIES[column] ?? { name: '', groups: [] }, what)).allowed]),
    );
    expect(found).toEqual(wanted);
  });
});
