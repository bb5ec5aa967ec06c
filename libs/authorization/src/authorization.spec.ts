import fc from 'fast-check';
import type { ClusterRole, ClusterRoleBinding, Pod, PolicyRule, RoleBinding } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { ClusterAuthorizer, compacted, DEFAULT_POLICY, printedRule, uncovered, type Attributes, type Subject } from './index.js';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** A lister of these objects, found by resource. */
function lister(objects: Readonly<Record<string, readonly KubeObject[]>>): {
  get: () => undefined;
  list: (resource: GroupVersionResource, namespace?: string) => readonly KubeObject[];
} {
  const byNamespace = new Map<string, readonly KubeObject[]>();
  return {
    get: () => undefined,
    list({ resource }, namespace) {
      const all = objects[resource] ?? [];
      if (namespace === undefined) return all;
      const key = `${resource}/${namespace}`;
      const known = byNamespace.get(key) ?? all.filter(({ metadata }) => metadata.namespace === namespace);
      byNamespace.set(key, known);
      return known;
    },
  };
}

const clusterRole = (name: string, ...rules: readonly PolicyRule[]): ClusterRole => ({
  apiVersion: RBAC,
  kind: 'ClusterRole',
  metadata: { name },
  rules,
});
const bind = (name: string, role: string, ...subjects: ClusterRoleBinding['subjects'] & object): ClusterRoleBinding => ({
  apiVersion: RBAC,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  subjects,
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
});
const bindIn = (namespace: string, name: string, role: string, ...subjects: ClusterRoleBinding['subjects'] & object): RoleBinding => ({
  ...bind(name, role, ...subjects),
  kind: 'RoleBinding',
  metadata: { name, namespace },
});

const user = (name: string, ...groups: readonly string[]): Subject => ({ name, groups: [...groups, 'system:authenticated'] });
const ask = (who: Subject, text: string, namespace = '', name = ''): Attributes => {
  const [verb = '', what = ''] = text.split(' ');
  if (what.startsWith('/')) return { kind: 'path', user: who, verb, path: what };
  const [resourceText = '', subresource = ''] = what.split('/');
  const [resource = '', ...group] = resourceText.split('.');
  return { kind: 'resource', user: who, verb, group: group.join('.'), resource, subresource, namespace, name };
};

describe('roles and bindings', () => {
  const cluster = new ClusterAuthorizer(
    lister({
      clusterroles: [
        clusterRole('reader', { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] }),
        clusterRole('one-secret', { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] }),
        clusterRole('scaler', { verbs: ['update'], apiGroups: ['*'], resources: ['*/scale'] }),
        clusterRole('probe', { verbs: ['get'], nonResourceURLs: ['/healthz/*', '/version'] }),
      ],
      clusterrolebindings: [
        bind('readers', 'reader', { kind: 'Group', name: 'dev' }),
        bind('scalers', 'scaler', { kind: 'ServiceAccount', name: 'hpa', namespace: 'kube-system' }),
        bind('probes', 'probe', { kind: 'User', name: 'prober' }),
        bind('lost', 'no-such-role', { kind: 'User', name: 'lost' }),
      ],
      rolebindings: [
        bindIn('a', 'secret', 'one-secret', { kind: 'User', name: 'jane' }),
        bindIn('a', 'local', 'reader', { kind: 'User', name: 'jane' }),
      ],
    }),
  );

  test.each<[string, Subject, string, string, string, boolean]>([
    ['a group may what its binding says', user('x', 'dev'), 'get pods', 'a', 'p', true],
    ['subresources are not implied', user('x', 'dev'), 'create pods/exec', 'a', 'p', false],
    ['a named subresource is allowed', user('x', 'dev'), 'get pods/log', 'a', 'p', true],
    ['another verb is not', user('x', 'dev'), 'delete pods', 'a', 'p', false],
    ['another group of the API is not', user('x', 'dev'), 'get pods.metrics.k8s.io', 'a', 'p', false],
    ['a name among resourceNames is allowed', user('jane'), 'get secrets', 'a', 'mine', true],
    ['another name is not', user('jane'), 'get secrets', 'a', 'other', false],
    ['a role binding ends at its namespace', user('jane'), 'get pods', 'b', 'p', false],
    ['a role binding says nothing of all namespaces', user('jane'), 'list pods', '', '', false],
    ['a service account is its user', user('system:serviceaccount:kube-system:hpa'), 'update deployments.apps/scale', 'a', 'd', true],
    [
      'any resource’s scale is meant, not the resource',
      user('system:serviceaccount:kube-system:hpa'),
      'update deployments.apps',
      'a',
      'd',
      false,
    ],
    ['a path below a pattern is allowed', user('prober'), 'get /healthz/etcd', '', '', true],
    ['another path is not', user('prober'), 'get /metrics', '', '', false],
    ['the privileged group may everything', user('root', 'system:masters'), 'delete nodes', '', 'n', true],
    ['nobody in particular may nothing', { name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'get pods', 'a', 'p', false],
  ])('%s', (_, who, what, namespace, name, allowed) => {
    expect(cluster.authorize(ask(who, what, namespace, name)).allowed).toBe(allowed);
  });

  test('an allowance names the binding, the role and the subject', () => {
    expect(cluster.authorize(ask(user('x', 'dev'), 'get pods', 'a')).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev"',
    );
    expect(cluster.authorize(ask(user('jane'), 'get pods', 'a')).reason).toBe(
      'RBAC: allowed by RoleBinding "local/a" of ClusterRole "reader" to User "jane"',
    );
  });

  test('a refusal names roles that are bound and do not exist', () => {
    expect(cluster.authorize(ask(user('lost'), 'get pods', 'a')).reason).toBe(
      'RBAC: clusterrole.rbac.authorization.k8s.io "no-such-role" not found',
    );
  });
});

describe('the default policy', () => {
  const objects = Object.fromEntries(DEFAULT_POLICY.map(({ resource, objects: list }) => [resource.resource, list]));
  const roles = (objects['clusterroles'] ?? []) as readonly ClusterRole[];
  const filled = (role: ClusterRole): readonly PolicyRule[] =>
    role.aggregationRule
      ? roles
          .filter(({ metadata }) =>
            (role.aggregationRule?.clusterRoleSelectors ?? []).some(({ matchLabels = {} }) =>
              Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
            ),
          )
          .flatMap(filled)
      : (role.rules ?? []);
  const clusterroles = roles.map((role) => ({ ...role, rules: filled(role) }));
  const rolebindings = [
    ...(objects['rolebindings'] ?? []),
    ...['view', 'edit', 'admin'].map((name) => bindIn('a', name, name, { kind: 'User', name })),
  ];
  const cluster = new ClusterAuthorizer(lister({ ...objects, clusterroles, rolebindings }));
  const anonymous: Subject = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

  test.each<[string, Subject, string, boolean]>([
    ['nobody in particular', anonymous, 'get /version', true],
    ['nobody in particular', anonymous, 'get /livez', true],
    ['nobody in particular', anonymous, 'get /api', false],
    ['nobody in particular', anonymous, 'create selfsubjectaccessreviews.authorization.k8s.io', false],
    ['anybody known', user('x'), 'get /api', true],
    ['anybody known', user('x'), 'get /openapi/v3', true],
    ['anybody known', user('x'), 'get /metrics', false],
    ['anybody known', user('x'), 'create selfsubjectaccessreviews.authorization.k8s.io', true],
    ['anybody known', user('x'), 'list pods', false],
    ['a viewer', user('view'), 'list pods', true],
    ['a viewer', user('view'), 'get secrets', false],
    ['a viewer', user('view'), 'get pods/log', true],
    ['a viewer', user('view'), 'create pods', false],
    ['a viewer', user('view'), 'get roles.rbac.authorization.k8s.io', false],
    ['an editor', user('edit'), 'create deployments.apps', true],
    ['an editor', user('edit'), 'get secrets', true],
    ['an editor', user('edit'), 'create pods/exec', true],
    ['an editor', user('edit'), 'create rolebindings.rbac.authorization.k8s.io', false],
    ['an editor', user('edit'), 'update resourcequotas', false],
    ['an administrator of a namespace', user('admin'), 'create rolebindings.rbac.authorization.k8s.io', true],
    ['an administrator of a namespace', user('admin'), 'get pods', true],
    ['an administrator of a namespace', user('admin'), 'update namespaces', false],
    ['the scheduler', user('system:kube-scheduler'), 'create pods/binding', true],
    ['the scheduler', user('system:kube-scheduler'), 'create pods', false],
    ['a service account', user('system:serviceaccount:a:default', 'system:serviceaccounts'), 'get /openid/v1/jwks', true],
    ['a service account', user('system:serviceaccount:a:default', 'system:serviceaccounts'), 'get secrets', false],
  ])('%s ($1.name): %s is %s', (_, who, what, allowed) => {
    const namespaced = !what.includes(' /') && !what.includes('selfsubject');
    expect(cluster.authorize(ask(who, what, namespaced ? 'a' : '', namespaced ? 'n' : '')).allowed).toBe(allowed);
  });

  test('an administrator of a namespace stops at it', () => {
    expect(cluster.authorize(ask(user('admin'), 'get pods', 'b', 'n')).allowed).toBe(false);
  });
});

describe('nodes', () => {
  const pod = (name: string, nodeName: string, spec: object): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'a' },
    spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...spec } as Pod['spec'] & object,
  });
  const cluster = new ClusterAuthorizer(
    lister({
      pods: [
        pod('p1', 'n1', { serviceAccountName: 'sa', volumes: [{ name: 'v', secret: { secretName: 'of-n1' } }] }),
        pod('p2', 'n2', { containers: [{ name: 'c', image: 'i', envFrom: [{ configMapRef: { name: 'of-n2' } }] }] }),
      ],
    }),
  );
  const n1 = user('system:node:n1', 'system:nodes');

  test.each<[string, string, string, string, boolean]>([
    ['reads the secrets of its pods', 'get secrets', 'a', 'of-n1', true],
    ['reads no other secret', 'get secrets', 'a', 'other', false],
    ['reads no config map of another node’s pods', 'get configmaps', 'a', 'of-n2', false],
    ['lists no secrets', 'list secrets', 'a', '', false],
    ['writes no secrets', 'update secrets', 'a', 'of-n1', false],
    ['makes tokens for its pods’ accounts', 'create serviceaccounts/token', 'a', 'sa', true],
    ['makes no others', 'create serviceaccounts/token', 'a', 'default', false],
    ['keeps its own lease', 'update leases.coordination.k8s.io', 'kube-node-lease', 'n1', true],
    ['keeps no other’s lease', 'update leases.coordination.k8s.io', 'kube-node-lease', 'n2', false],
    ['keeps leases nowhere else', 'update leases.coordination.k8s.io', 'default', 'n1', false],
    ['reports the status of pods', 'patch pods/status', 'a', 'p1', true],
    ['creates no deployments', 'create deployments.apps', 'a', 'd', false],
  ])('a node %s', (_, what, namespace, name, allowed) => {
    expect(cluster.authorize(ask(n1, what, namespace, name)).allowed).toBe(allowed);
  });

  test('the name of a node without its group is nothing', () => {
    expect(cluster.authorize(ask(user('system:node:n1'), 'get secrets', 'a', 'of-n1')).allowed).toBe(false);
  });

  test('a refusal says that there is no relation', () => {
    expect(cluster.authorize(ask(n1, 'get secrets', 'a', 'other')).reason).toBe("no relationship found between node 'n1' and this object");
  });
});

describe('covering rules', () => {
  const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 3 });
  const rule: fc.Arbitrary<PolicyRule> = fc.record({ verbs: words, apiGroups: words, resources: words });

  test('whoever holds rules gains nothing by them', () => {
    fc.assert(fc.property(fc.array(rule, { maxLength: 4 }), (rules) => expect(uncovered(rules, rules)).toEqual([])));
  });

  test('what is missing, once added, is covered', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 3 }), fc.array(rule, { maxLength: 3 }), (owned, wanted) =>
        expect(uncovered([...owned, ...uncovered(owned, wanted)], wanted)).toEqual([]),
      ),
    );
  });

  test('what is missing is printed as upstream prints it, verbs of one thing together', () => {
    const missing = uncovered(
      [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] }],
    );
    expect(compacted(missing).map(printedRule)).toEqual(['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}']);
  });
});
