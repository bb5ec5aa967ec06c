import { DEFAULT_POLICY } from '#libs/authorization';
import { CERTIFICATESIGNINGREQUESTS, type CertificateSigningRequest } from '#libs/api';
import type { GroupVersionResource, KubeObject, Lister } from '#libs/apimachinery';
import { testCertificateRequest } from '#libs/testing';
import { certificateApprover } from './approver.js';
import { certificateCleaner } from './cleaner.js';
import { decideSigning } from './signing.js';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const HOUR = 3_600_000;
const KUBELET = 'kubernetes.io/kube-apiserver-client-kubelet';
const SERVING = 'kubernetes.io/kubelet-serving';
const CLIENT = 'kubernetes.io/kube-apiserver-client';
const YEAR = `${8760 - 1 / 12} hours`;
const NODE = { commonName: 'system:node:a', organizations: ['system:nodes'] };
const approved = { type: 'Approved', status: 'True', lastUpdateTime: '2026-01-02T03:04:05Z' };

const requests: Record<string, string> = {};
beforeAll(async () => {
  const wanted = {
    node: NODE,
    named: { ...NODE, dnsNames: ['a'] },
    addressed: { ...NODE, ipAddresses: ['10.0.0.1'] },
    person: { commonName: 'jane', organizations: ['devs'] },
  };
  for (const [name, subject] of Object.entries(wanted)) requests[name] = (await testCertificateRequest(subject)).request;
});

const csr = (request: string, spec: object = {}, conditions: readonly object[] = []): CertificateSigningRequest =>
  ({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'a', uid: 'u', creationTimestamp: '2026-01-02T03:04:05Z' },
    spec: { request: requests[request] ?? '', signerName: KUBELET, usages: ['digital signature', 'client auth'], ...spec },
    status: { conditions },
  }) as CertificateSigningRequest;

const listerOf = (one: CertificateSigningRequest, more: readonly (readonly [GroupVersionResource, KubeObject])[] = []): Lister => {
  const all = [
    [CERTIFICATESIGNINGREQUESTS, one] as const,
    ...DEFAULT_POLICY.flatMap(({ resource, objects }) => objects.map((object) => [resource, object] as const)),
    ...more,
  ];
  const of = (resource: GroupVersionResource) => all.filter(([each]) => each.resource === resource.resource).map(([, object]) => object);
  return {
    get: (resource, _namespace, name) => of(resource).find(({ metadata }) => metadata.name === name),
    list: of,
    ownedBy: () => [],
  };
};

const bound = (role: string, group: string): readonly [GroupVersionResource, KubeObject] => [
  { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings' },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: `system:certificates.k8s.io:certificatesigningrequests:${role}`,
    },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: group }],
  } as KubeObject,
];

describe('the approver', () => {
  const asks = (request: string, spec: object, ...roles: readonly string[]): readonly string[] => {
    const lister = listerOf(
      csr(request, spec),
      roles.map((role) => bound(role, 'system:nodes')),
    );
    const snapshot = certificateApprover.snapshot('a', lister);
    if (!snapshot) return [];
    return certificateApprover.reconcile(snapshot, NOW).changes.map((change) => {
      if (change.verb !== 'update') throw new Error('not an update');
      const { status } = change.object as CertificateSigningRequest;
      return `${change.subresource ?? ''}: ${status?.conditions?.at(-1)?.message ?? ''}`;
    });
  };
  const self = { username: 'system:node:a', groups: ['system:nodes'] };
  const other = { username: 'system:node:b', groups: ['system:nodes'] };
  const RENEWED = ['approval: Auto approving self kubelet client certificate after SubjectAccessReview.'];
  const FIRST = ['approval: Auto approving kubelet client certificate after SubjectAccessReview.'];

  it.each<[string, string, object, readonly string[], readonly string[]]>([
    ['a node renews its own', 'node', self, ['selfnodeclient'], RENEWED],
    ['somebody with the right asks for a node', 'node', other, ['nodeclient'], FIRST],
    ['a node asks for another', 'node', other, ['selfnodeclient'], []],
    ['nobody is allowed', 'node', self, [], []],
    ['the certificate would have a name', 'named', self, ['selfnodeclient'], []],
    ['it would be for somebody who is no node', 'person', self, ['selfnodeclient', 'nodeclient'], []],
    ['it would serve', 'node', { ...self, usages: ['server auth'] }, ['selfnodeclient'], []],
    ['another signer is asked', 'node', { ...self, signerName: CLIENT }, ['selfnodeclient'], []],
  ])('when %s: judges by what the requester may', (_, request, spec, roles, said) => {
    expect(asks(request, spec, ...roles)).toEqual(said);
  });
});

describe('a signer', () => {
  const decide = (request: string, spec: object, conditions: readonly object[] = [approved]): string => {
    const decision = decideSigning(csr(request, spec, conditions), NOW);
    if (decision.decision === 'fail') return decision.failed.status?.conditions?.at(-1)?.message ?? '';
    if (decision.decision === 'sign') return `${(decision.order.notAfter - NOW) / HOUR} hours`;
    return 'nothing';
  };
  it.each<[string, string, object, string]>([
    ['a client certificate', 'person', { signerName: CLIENT, usages: ['client auth'] }, YEAR],
    ['one that is short', 'person', { signerName: CLIENT, usages: ['client auth'], expirationSeconds: 7200 }, '2 hours'],
    ['one that is too long', 'person', { signerName: CLIENT, usages: ['client auth'], expirationSeconds: 1e9 }, YEAR],
    [
      'a client that would serve',
      'person',
      { signerName: CLIENT, usages: ['client auth', 'server auth'] },
      'invalid usage for client certificate: server auth',
    ],
    [
      'a client without the usage',
      'person',
      { signerName: CLIENT, usages: ['digital signature'] },
      'missing required usage for client certificate: client auth',
    ],
    ['a kubelet', 'node', {}, YEAR],
    ['a kubelet that is no node', 'person', {}, 'subject organization is not system:nodes'],
    ['a kubelet with a name', 'named', {}, 'DNS subjectAltNames are not allowed'],
    ['a serving kubelet', 'addressed', { signerName: SERVING, usages: ['server auth', 'digital signature'] }, YEAR],
    [
      'a serving kubelet without names',
      'node',
      { signerName: SERVING, usages: ['server auth', 'digital signature'] },
      'DNS or IP subjectAltName is required',
    ],
    ['somebody else’s signer', 'person', { signerName: 'example.com/mine' }, 'nothing'],
  ])('judges %s', (_, request, spec, said) => {
    expect(decide(request, spec)).toBe(said);
  });

  it.each<[string, readonly object[]]>([
    ['is not approved', []],
    ['is denied', [{ type: 'Denied', status: 'True' }]],
    ['has failed', [approved, { type: 'Failed', status: 'True' }]],
  ])('signs nothing that %s', (_, conditions) => {
    expect(decide('node', {}, conditions)).toBe('nothing');
  });
});

describe('the cleaner', () => {
  const left = (conditions: readonly object[], certificate?: string): number | undefined => {
    const one = csr('node', {}, conditions);
    const snapshot = { csr: certificate === undefined ? one : { ...one, status: { ...one.status, certificate } } };
    const early = certificateCleaner.reconcile(snapshot, NOW);
    expect(early.changes).toEqual([]);
    const due = early.requeueAfterMs ?? 0;
    expect(certificateCleaner.reconcile(snapshot, NOW + due).changes).toMatchObject([
      { verb: 'delete', name: 'a', preconditions: { uid: 'u' } },
    ]);
    return due / HOUR;
  };
  it.each<[string, readonly object[], string | undefined, number]>([
    ['issued', [approved], 'x', 1],
    ['denied', [{ ...approved, type: 'Denied' }], undefined, 1],
    ['failed', [approved, { ...approved, type: 'Failed' }], undefined, 1],
    ['approved and not issued', [approved], undefined, 24],
    ['pending', [], undefined, 24],
  ])('deletes what is %s after its time', (_, conditions, certificate, hours) => {
    expect(left(conditions, certificate)).toBe(hours);
  });
});
