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
  const named = (name: string, namespace: string | undefined, more: object): KubeObject =>
    ({ apiVersion: 'v1', kind: 'Any', metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, ...more }) as KubeObject;
  const mirror = pod('mirror', 'n1', { volumes: [{ name: 'v', secret: { secretName: 'of-mirror' } }] });
  const objects = {
    pods: [
      pod('p1', 'n1', {
        serviceAccountName: 'sa',
        imagePullSecrets: [{ name: 'pull' }],
        resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu-claim' }],
        volumes: [
          { name: 'v', secret: { secretName: 'of-n1' } },
          { name: 'w', persistentVolumeClaim: { claimName: 'claim' } },
          { name: 'x', projected: { sources: [{ configMap: { name: 'projected' } }] } },
          { name: 'y', ephemeral: {} },
        ],
      }),
      pod('p2', 'n2', { containers: [{ name: 'c', image: 'i', envFrom: [{ configMapRef: { name: 'of-n2' } }] }] }),
      { ...mirror, metadata: { ...mirror.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } },
    ],
    persistentvolumeclaims: [
      named('claim', 'a', { spec: { volumeName: 'vol' } }),
      named('claim', 'b', { spec: { volumeName: 'other-vol' } }),
    ],
    persistentvolumes: [
      named('vol', undefined, {
        spec: { claimRef: { namespace: 'a' }, csi: { nodeStageSecretRef: { name: 'stage', namespace: 'storage' } } },
      }),
      named('other-vol', undefined, { spec: { csi: { nodeStageSecretRef: { name: 'other-stage', namespace: 'storage' } } } }),
    ],
    volumeattachments: [named('va1', undefined, { spec: { nodeName: 'n1' } }), named('va2', undefined, { spec: { nodeName: 'n2' } })],
    resourceslices: [named('s1', undefined, { spec: { nodeName: 'n1' } }), named('s2', undefined, { spec: { nodeName: 'n2' } })],
  };
  const all = lister(objects);
  const get = ({ resource }: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined =>
    all
      .list({ group: '', version: 'v1', resource })
      .find(({ metadata }) => metadata.name === name && (namespace === undefined || metadata.namespace === namespace));
  const cluster = new ClusterAuthorizer({ ...all, get });
  const n1 = user('system:node:n1', 'system:nodes');
  const own = [{ field: 'spec.nodeName', operator: '=' as const, value: 'n1' }];
  const others = [{ field: 'spec.nodeName', operator: '=' as const, value: 'n2' }];
  const UNRELATED = "no relationship found between node 'n1' and this object";

  test.each<[string, string, string, string, string | true, typeof own | undefined]>([
    ['reads the secrets of its pods', 'get secrets', 'a', 'of-n1', true, undefined],
    ['reads what its pods’ images are pulled with', 'get secrets', 'a', 'pull', true, undefined],
    ['reads what its pods’ volumes are mounted with', 'get secrets', 'storage', 'stage', true, undefined],
    ['reads no other volume’s secret', 'get secrets', 'storage', 'other-stage', UNRELATED, undefined],
    ['reads no other secret', 'get secrets', 'a', 'other', UNRELATED, undefined],
    ['reads no secret of that name elsewhere', 'get secrets', 'b', 'of-n1', UNRELATED, undefined],
    ['gains nothing by a mirror pod', 'get secrets', 'a', 'of-mirror', UNRELATED, undefined],
    ['lists no secrets', 'list secrets', 'a', '', 'No Object name found', undefined],
    ['lists no secrets of all namespaces', 'list secrets', '', '', 'can only read namespaced object of this type', undefined],
    ['writes no secrets', 'update secrets', 'a', 'of-n1', 'can only read resources of this type', undefined],
    ['reads its pods’ config maps', 'watch configmaps', 'a', 'projected', true, undefined],
    ['reads no config map of another node’s pods', 'get configmaps', 'a', 'of-n2', UNRELATED, undefined],
    ['reads its pods’ claims', 'get persistentvolumeclaims', 'a', 'claim', true, undefined],
    ['reads the claims made for its pods', 'get persistentvolumeclaims', 'a', 'p1-y', true, undefined],
    ['lists no claims', 'list persistentvolumeclaims', 'a', '', 'can only get individual resources of this type', undefined],
    ['reports the status of its pods’ claims', 'patch persistentvolumeclaims/status', 'a', 'claim', true, undefined],
    ['reads its pods’ volumes', 'get persistentvolumes', '', 'vol', true, undefined],
    ['reads no other volume', 'get persistentvolumes', '', 'other-vol', UNRELATED, undefined],
    ['reads its pods’ resource claims', 'get resourceclaims.resource.k8s.io', 'a', 'gpu-claim', true, undefined],
    ['reads what is attached to it', 'get volumeattachments.storage.k8s.io', '', 'va1', true, undefined],
    ['reads nothing attached elsewhere', 'get volumeattachments.storage.k8s.io', '', 'va2', UNRELATED, undefined],
    ['makes tokens for its pods’ accounts', 'create serviceaccounts/token', 'a', 'sa', true, undefined],
    ['makes no others', 'create serviceaccounts/token', 'a', 'default', UNRELATED, undefined],
    ['keeps its own lease', 'update leases.coordination.k8s.io', 'kube-node-lease', 'n1', true, undefined],
    [
      'keeps no other’s lease',
      'update leases.coordination.k8s.io',
      'kube-node-lease',
      'n2',
      'can only access node lease with the same name as the requesting node',
      undefined,
    ],
    [
      'keeps leases nowhere else',
      'update leases.coordination.k8s.io',
      'default',
      'n1',
      'can only access leases in the "kube-node-lease" system namespace',
      undefined,
    ],
    ['reads itself', 'get nodes', '', 'n1', true, undefined],
    ['reads no other node', 'get nodes', '', 'n2', "node 'n1' cannot read 'n2', only its own Node object", undefined],
    ['lists no nodes', 'list nodes', '', '', "node 'n1' cannot read all nodes, only its own Node object", undefined],
    ['reports its status', 'patch nodes/status', '', 'n1', true, undefined],
    ['deletes no node', 'delete nodes', '', 'n1', '', undefined],
    ['watches its pods', 'watch pods', '', '', true, own],
    ['watches no other’s pods', 'watch pods', '', '', 'can only list/watch pods with spec.nodeName field selector', others],
    ['lists no pods without saying which', 'list pods', '', '', 'can only list/watch pods with spec.nodeName field selector', undefined],
    ['reads a pod of its own', 'get pods', 'a', 'p1', true, undefined],
    ['reads no other’s pod', 'get pods', 'a', 'p2', UNRELATED, undefined],
    ['reports the status of pods', 'patch pods/status', 'a', 'p1', true, undefined],
    ['evicts', 'create pods/eviction', 'a', 'p1', true, undefined],
    ['opens no shell', 'create pods/exec', 'a', 'p1', '', undefined],
    ['keeps its CSINode', 'patch csinodes.storage.k8s.io', '', 'n1', true, undefined],
    ['watches its slices', 'list resourceslices.resource.k8s.io', '', '', true, own],
    ['updates its slices', 'update resourceslices.resource.k8s.io', '', 's1', true, undefined],
    ['updates no other’s', 'update resourceslices.resource.k8s.io', '', 's2', UNRELATED, undefined],
    ['creates no deployments', 'create deployments.apps', 'a', 'd', '', undefined],
  ])('a node %s', (_, what, namespace, name, wanted, fields) => {
    const { allowed, reason } = cluster.authorize({ ...ask(n1, what, namespace, name), ...(fields ? { fields } : {}) } as Attributes);
    expect(allowed ? true : reason).toBe(wanted);
  });

  test('the name of a node without its group is nothing', () => {
    expect(cluster.authorize(ask(user('system:node:n1'), 'get secrets', 'a', 'of-n1')).allowed).toBe(false);
    expect(cluster.authorize(ask(user('system:node:', 'system:nodes'), 'get secrets', 'a', 'of-n1')).reason).toBe(
      'unknown node for user "system:node:"',
    );
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
