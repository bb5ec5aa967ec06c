import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '#libs/api';
import { startTestApiServer, testCertificateRequest, type TestApiServer, type TestAuthority } from '#libs/testing';
import { CertificateSigner } from './certificate-signer.js';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const CLIENT = 'kubernetes.io/kube-apiserver-client';

describe('the signer', () => {
  let api: TestApiServer;
  let authority: TestAuthority;
  let signer: CertificateSigner;
  const errors: unknown[] = [];

  beforeAll(async () => {
    api = await startTestApiServer();
    ({ authority } = api);
    const { view, writePath } = api;
    const world = { now: Date.now, random: Math.random, uuid: () => '' };
    const nothing = () => undefined;
    const logger = { debug: nothing, info: nothing, warn: nothing, error: (_: string, error: unknown) => void errors.push(error) };
    signer = new CertificateSigner({ view, writePath, world, logger }, { certificate: authority.cert, key: authority.key });
    await signer.start();
  });
  afterAll(async () => {
    await signer.stop();
    await api.close();
    expect(errors).toEqual([]);
  });

  const ask = async (
    name: string,
    signerName: string,
    usages: readonly string[],
    subject = { commonName: 'jane', organizations: ['devs'] },
  ) => {
    const { request, key } = await testCertificateRequest(subject);
    const body = { metadata: { name }, spec: { request, signerName, usages } };
    expect((await api.ask(CSRS, { method: 'POST', body })).code).toBe(201);
    return key;
  };
  const approve = async (name: string) => {
    const path = `${CSRS}/${name}`;
    const object = (await api.ask(path)).json<CertificateSigningRequest>();
    const status = { ...object.status, conditions: [{ type: 'Approved', status: 'True', reason: 'KubectlApprove', message: 'by hand' }] };
    expect((await api.ask(`${path}/approval`, { method: 'PUT', body: { ...object, status } })).code).toBe(200);
  };
  /** The request once something has become of it: what the watch says. */
  const outcome = (name: string, done: (csr: CertificateSigningRequest) => boolean): Promise<CertificateSigningRequest> =>
    new Promise((resolve) => {
      const look = (): void => {
        const csr = api.view.get({ group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' }, undefined, name);
        if (!csr || !done(csr as CertificateSigningRequest)) return;
        stop();
        resolve(csr as CertificateSigningRequest);
      };
      const stop = api.view.subscribe(look);
      look();
    });

  it('issues what is approved, and the API believes whoever shows it', async () => {
    const key = await ask('jane', CLIENT, ['client auth']);
    await approve('jane');
    const { status } = await outcome('jane', (csr) => csr.status?.certificate !== undefined);
    const cert = Buffer.from(status?.certificate ?? '', 'base64').toString();
    const parsed = new X509Certificate(cert);
    expect(parsed.checkIssued(new X509Certificate(authority.cert))).toBe(true);
    expect(parsed.subject).toBe('O=devs\nCN=jane');
    expect(parsed.ca).toBe(false);
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] }];
    await api.ask(`${rbac}/clusterroles`, { method: 'POST', body: { metadata: { name: 'devs' }, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'devs' };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'devs' }];
    await api.ask(`${rbac}/clusterrolebindings`, { method: 'POST', body: { metadata: { name: 'devs' }, roleRef, subjects } });
    const review = await api.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', { method: 'POST', body: {}, client: { cert, key } });
    expect(review.json()).toMatchObject({ status: { userInfo: { username: 'jane', groups: ['devs', 'system:authenticated'] } } });
  });

  it('says why it does not sign', async () => {
    await ask('no', CLIENT, ['server auth']);
    await approve('no');
    const { status } = await outcome('no', (csr) => (csr.status?.conditions?.length ?? 0) > 1);
    expect(status?.conditions?.[1]).toMatchObject({
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: 'invalid usage for client certificate: server auth',
    });
    expect(status?.certificate).toBeUndefined();
  });

  it('keeps the names that a kubelet serves at', async () => {
    const subject = { commonName: 'system:node:a', organizations: ['system:nodes'], dnsNames: ['a'], ipAddresses: ['10.0.0.1'] };
    await ask('node', 'kubernetes.io/kubelet-serving', ['server auth', 'digital signature'], subject);
    await approve('node');
    const { status } = await outcome('node', (csr) => csr.status?.certificate !== undefined);
    const parsed = new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'));
    expect(parsed.subjectAltName).toBe('DNS:a, IP Address:10.0.0.1');
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });
});
