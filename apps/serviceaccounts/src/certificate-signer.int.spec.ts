import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kubectlBinary, startTestApiServer, type TestApiServer, testCertificateRequest } from '#libs/testing';
import { CertificateSigner } from './certificate-signer.js';

const run = promisify(execFile);

describe('a person who asks for a certificate', () => {
  let api: TestApiServer;
  let signer: CertificateSigner;
  let folder: string;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const kubectl = async (config: string, ...words: string[]): Promise<string> => {
    const place = ['--kubeconfig', join(folder, config), '--cache-dir', join(folder, 'cache')];
    try {
      const { stdout, stderr } = await run(kubectlBinary(), [...place, ...words], { timeout: 30_000 });
      return (stdout + stderr).trim();
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return (stdout + stderr).trim();
    }
  };
  const config = (name: string, cert: string, key: string): void => {
    const data = (text: string): string => Buffer.from(text).toString('base64');
    const cluster = { server: `https://127.0.0.1:${api.server.port}`, 'certificate-authority-data': data(api.authority.cert) };
    const user = { 'client-certificate-data': data(cert), 'client-key-data': data(key) };
    const context = { name, context: { cluster: name, user: name } };
    const all = { clusters: [{ name, cluster }], users: [{ name, user }], contexts: [context], 'current-context': name };
    file(name, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...all }));
  };
  const asks = async (name: string): Promise<string> => {
    const { request, key } = await testCertificateRequest({ commonName: name, organizations: ['devs'] });
    const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], expirationSeconds: 3600 };
    const manifest = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec };
    expect(await kubectl('admin', 'apply', '-f', file(`${name}.json`, JSON.stringify(manifest)))).toBe(
      `certificatesigningrequest.certificates.k8s.io/${name} created`,
    );
    return key;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decklog-certificates-'));
    api = await startTestApiServer();
    const nothing = (): void => undefined;
    const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const world = { now: Date.now, random: Math.random, uuid: () => '' };
    const { view, writePath, authority } = api;
    signer = new CertificateSigner({ view, writePath, world, logger }, { certificate: authority.cert, key: authority.key });
    await signer.start();
    config('admin', api.admin.cert, api.admin.key);
  });
  afterAll(async () => {
    await signer.stop();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets it once kubectl has approved the request, and is whom it names', async () => {
    const key = await asks('jane');
    expect(await kubectl('admin', 'get', 'csr')).toMatch(/^jane +\S+ +kubernetes\.io\/kube-apiserver-client +admin +60m +Pending$/m);
    expect(await kubectl('admin', 'certificate', 'approve', 'jane')).toBe('certificatesigningrequest.certificates.k8s.io/jane approved');
    await kubectl('admin', 'wait', 'csr/jane', '--for=jsonpath={.status.certificate}', '--timeout=20s');
    expect(await kubectl('admin', 'get', 'csr')).toMatch(/ Approved,Issued$/m);
    const issued = await kubectl('admin', 'get', 'csr', 'jane', '-o', 'jsonpath={.status.certificate}');
    config('jane', Buffer.from(issued, 'base64').toString(), key);
    expect(await kubectl('jane', 'get', 'pods')).toBe(
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    await kubectl('admin', 'create', 'clusterrole', 'reader', '--verb=get,list', '--resource=pods');
    await kubectl('admin', 'create', 'clusterrolebinding', 'reader', '--clusterrole=reader', '--group=devs');
    expect(await kubectl('jane', 'get', 'pods')).toBe('No resources found in default namespace.');
  });

  it('gets none once kubectl has denied it, for good', async () => {
    await asks('joe');
    expect(await kubectl('admin', 'certificate', 'deny', 'joe')).toBe('certificatesigningrequest.certificates.k8s.io/joe denied');
    expect(await kubectl('admin', 'get', 'csr', 'joe')).toMatch(/ Denied$/m);
    expect(await kubectl('admin', 'certificate', 'approve', 'joe')).toContain('Denied');
    expect(await kubectl('admin', 'get', 'csr', 'joe', '-o', 'jsonpath={.status.certificate}')).toBe('');
  });
});
