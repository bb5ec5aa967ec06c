import { CERTIFICATESIGNINGREQUESTS as CSRS, type CertificateSigningRequest } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { MemoryCluster, refusalOf, testAuthority, testCertificateRequest, type Wish } from '#libs/testing';

const SIGNER = 'kubernetes.io/kube-apiserver-client';

describe('certificate signing requests', () => {
  let cluster: MemoryCluster;
  let request: string;
  let masters: string;
  let certificate: string;

  beforeAll(async () => {
    ({ request } = await testCertificateRequest({ commonName: 'jane', organizations: ['devs'] }));
    ({ request: masters } = await testCertificateRequest({ commonName: 'jane', organizations: ['system:masters'] }));
    certificate = Buffer.from((await testAuthority()).cert).toString('base64');
  });
  beforeEach(async () => {
    cluster = await MemoryCluster.start();
  });
  afterEach(() => cluster.stop());

  const csr = (spec: object = {}): KubeObject =>
    ({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'a' },
      spec: { request, signerName: SIGNER, usages: ['client auth'], ...spec },
    }) as KubeObject;
  const change = (subresource: string | undefined, with_: object, name = 'a') =>
    cluster.update(CSRS, { name, ...(subresource === undefined ? {} : { subresource }) } as Wish, (old) => ({ ...old, ...with_ }));
  const approved = { conditions: [{ type: 'Approved', status: 'True', reason: 'Why' }] };

  it('record who asks, whatever the client says of it', async () => {
    const { object } = await cluster.create(CSRS, csr({ username: 'root', groups: ['system:masters'] }));
    expect(object).toMatchObject({ spec: { username: 'alice' } });
    expect((object as CertificateSigningRequest).spec.groups).toBeUndefined();
    expect((object as CertificateSigningRequest).status).toEqual({});
  });

  it('must be signed by the key they name', async () => {
    const pem = Buffer.from(request, 'base64').toString();
    const body = pem.split('\n').slice(1, -2).join('');
    const bytes = Buffer.from(body, 'base64');
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    const forged = Buffer.from(`-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`);
    const { reason, details } = await refusalOf(cluster.create(CSRS, csr({ request: forged.toString('base64') })));
    expect(reason).toBe('Invalid');
    expect(details?.causes).toMatchObject([{ field: 'spec.request', message: expect.stringContaining('verification failure') as string }]);
  });

  it.each<[string, object, readonly string[]]>([
    ['no usages', { usages: [] }, ['spec.usages']],
    ['a usage that is none', { usages: ['flying'] }, ['spec.usages[0]']],
    ['a usage twice', { usages: ['client auth', 'client auth'] }, ['spec.usages[1]']],
    ['the signer of old times', { signerName: 'kubernetes.io/legacy-unknown' }, ['spec.signerName']],
    ['a signer without a domain', { signerName: 'signer' }, ['spec.signerName']],
    ['a life of nine minutes', { expirationSeconds: 540 }, ['spec.expirationSeconds']],
    ['no request', { request: 'aGVsbG8=' }, ['spec.request']],
  ])('are refused with %s', async (_, spec, fields) => {
    const { details } = await refusalOf(cluster.create(CSRS, csr(spec)));
    expect(details?.causes?.map(({ field }) => field)).toEqual(fields);
  });

  it('never ask for a certificate of an administrator', async () => {
    const { code, message } = await refusalOf(cluster.create(CSRS, csr({ request: masters })));
    expect(code).toBe(403);
    expect(message).toContain(`use of ${SIGNER} signer with system:masters group is not allowed`);
  });

  it('keep their spec and their status in an update', async () => {
    await cluster.create(CSRS, csr());
    const { object } = await change(undefined, {
      metadata: { name: 'a', labels: { b: 'c' } },
      spec: { request, signerName: 'other.example.com/signer', usages: ['any'] },
      status: approved,
    });
    expect(object).toMatchObject({ metadata: { labels: { b: 'c' } }, spec: { signerName: SIGNER }, status: {} });
  });

  it('are approved through `approval` alone, which issues nothing', async () => {
    await cluster.create(CSRS, csr());
    expect((await refusalOf(change('status', { status: approved }))).message).toContain(
      'updates may not add a condition of type "Approved"',
    );
    const { object } = await change('approval', { status: { ...approved, certificate } });
    const { status } = object as CertificateSigningRequest;
    expect(status?.certificate).toBeUndefined();
    expect(status?.conditions).toMatchObject([{ type: 'Approved', lastUpdateTime: '2026-01-01T00:00:00Z' }]);
    const denied = { conditions: [...(status?.conditions ?? []), { type: 'Denied', status: 'True' }] };
    expect((await refusalOf(change('approval', { status: denied }))).message).toContain('mutually exclusive');
    expect((await refusalOf(change('approval', { status: {} }))).message).toContain(
      'updates may not remove a condition of type "Approved"',
    );
  });

  it('get their certificate through `status`, once', async () => {
    await cluster.create(CSRS, csr());
    const bad = { certificate: Buffer.from('x').toString('base64') };
    expect((await refusalOf(change('status', { status: bad }))).message).toContain('must contain one or more PEM blocks');
    const { object } = await change('status', { status: { certificate } });
    expect((object as CertificateSigningRequest).status?.certificate).toBe(certificate);
    const other = Buffer.from(`${Buffer.from(certificate, 'base64').toString()}\n`).toString('base64');
    expect((await refusalOf(change('status', { status: { certificate: other } }))).message).toContain(
      'updates may not modify existing certificate content',
    );
  });
});
