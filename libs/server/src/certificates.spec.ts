import type { CertificateSigningRequest } from '#libs/api';
import { startTestApiServer, testAuthority, testCertificateRequest, type TestApiServer, type TestPair } from '#libs/testing';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const SIGNER = 'kubernetes.io/kube-apiserver-client';

describe('who may approve and sign', () => {
  let api: TestApiServer;
  let certificate: string;
  const people: Record<string, TestPair> = {};

  const may = async (name: string, ...rules: readonly object[]): Promise<void> => {
    people[name] = await api.authority.issue(name);
    const all = [
      {
        apiGroups: ['certificates.k8s.io'],
        resources: ['', '/approval', '/status'].map((part) => `certificatesigningrequests${part}`),
        verbs: ['*'],
      },
      ...rules,
    ];
    await api.ask(`${RBAC}/clusterroles`, { method: 'POST', body: { metadata: { name }, rules: all } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
    await api.ask(`${RBAC}/clusterrolebindings`, { method: 'POST', body: { metadata: { name }, roleRef, subjects } });
  };
  const signers = (verb: string, ...resourceNames: readonly string[]) => ({
    apiGroups: ['certificates.k8s.io'],
    resources: ['signers'],
    verbs: [verb],
    resourceNames,
  });
  const made = async (name: string): Promise<void> => {
    const { request } = await testCertificateRequest({ commonName: 'jane' });
    const body = { metadata: { name }, spec: { request, signerName: SIGNER, usages: ['client auth'] } };
    expect((await api.ask(CSRS, { method: 'POST', body })).code).toBe(201);
  };
  const patch = async (who: string, path: string, body: object): Promise<{ code: number; said: string }> => {
    const answer = await api.ask(`${CSRS}/${path}`, { method: 'PATCH', headers: MERGE, body, client: people[who] as TestPair });
    return { code: answer.code, said: answer.code < 300 ? '' : answer.json<{ message: string }>().message };
  };

  beforeAll(async () => {
    api = await startTestApiServer();
    certificate = Buffer.from((await testAuthority()).cert).toString('base64');
    await may('nobody');
    await may('approver', signers('approve', SIGNER));
    await may('domain', signers('approve', 'kubernetes.io/*'), signers('sign', 'kubernetes.io/*'));
    await may('stranger', signers('approve', 'example.com/*'), signers('sign', 'example.com/*'));
  });
  afterAll(() => api.close());

  const approval = { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'e2e' }] } };
  it.each<[string, string, object, number, string]>([
    ['nobody', 'approval', approval, 403, `user not permitted to approve requests with signerName "${SIGNER}"`],
    ['stranger', 'approval', approval, 403, `user not permitted to approve requests with signerName "${SIGNER}"`],
    ['approver', 'approval', approval, 200, ''],
    ['domain', 'approval', approval, 200, ''],
    ['approver', 'status', {}, 403, `user not permitted to sign requests with signerName "${SIGNER}"`],
    ['stranger', 'status', {}, 403, `user not permitted to sign requests with signerName "${SIGNER}"`],
    ['domain', 'status', {}, 200, ''],
  ])('%s writes to %s: %j is answered %i', async (who, part, body, code, said) => {
    const name = `${who}-${part}`;
    await made(name);
    const answer = await patch(who, `${name}/${part}`, part === 'status' ? { status: { certificate } } : body);
    expect(answer.code).toBe(code);
    expect(answer.said).toContain(said);
  });

  it('labels are for everybody who may write to the part', async () => {
    await made('labelled');
    expect((await patch('nobody', 'labelled/status', { metadata: { labels: { a: 'b' } } })).code).toBe(200);
  });

  it('each part is read and written by itself', async () => {
    await made('parts');
    const body = {
      metadata: { annotations: { patched: 'approval' } },
      status: { conditions: [{ type: 'ApprovalPatch', status: 'True' }] },
    };
    expect((await patch('domain', 'parts/approval', body)).code).toBe(200);
    expect((await patch('domain', 'parts/status', { status: { certificate } })).code).toBe(200);
    for (const part of ['', '/approval', '/status']) {
      const { metadata, status } = (await api.ask(`${CSRS}/parts${part}`)).json<CertificateSigningRequest & Record<string, unknown>>();
      expect(metadata.annotations).toEqual({ patched: 'approval' });
      expect(status).toMatchObject({ certificate, conditions: [{ type: 'ApprovalPatch', status: 'True' }] });
    }
    const selected = await api.ask(`${CSRS}?fieldSelector=spec.signerName%3D${encodeURIComponent(SIGNER)}&limit=1`);
    expect(selected.json<{ items: unknown[] }>().items).toHaveLength(1);
    expect((await api.ask(`${CSRS}?fieldSelector=spec.signerName%3Dother`)).json<{ items: unknown[] }>().items).toEqual([]);
  });
});
