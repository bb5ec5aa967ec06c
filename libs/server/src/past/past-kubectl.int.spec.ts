import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '#libs/apimachinery';
import { kubectlBinary, startTestApiServer, type TestApiServer } from '#libs/testing';

const run = promisify(execFile);

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: swordfish}
`;

const EVENT = {
  kind: 'Event',
  apiVersion: 'v1',
  metadata: { name: 'web.1', namespace: 'default', uid: 'uid-of-event', creationTimestamp: new Date().toISOString() },
  involvedObject: { kind: 'Deployment', name: 'web', namespace: 'default' },
  type: 'Normal',
  reason: 'ScalingReplicaSet',
  message: 'Scaled up replica set web-1 to 2',
  firstTimestamp: new Date().toISOString(),
  lastTimestamp: new Date().toISOString(),
  count: 1,
  source: { component: 'deployment-controller' },
} as unknown as KubeObject;

describe('kubectl in the past', () => {
  let api: TestApiServer;
  let folder: string;
  /** The sequences at which there was nothing yet, a Deployment, a scaled one. */
  let before: number;
  let created: number;
  let scaled: number;

  /** A kubeconfig whose server path ends in a moment. */
  const kubeconfig = (name: string, path: string): string => {
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const server = `https://127.0.0.1:${api.server.port}${path}`;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': encode(api.authority.cert) } }],
      users: [{ name: 'test', user: { 'client-certificate-data': encode(api.admin.cert), 'client-key-data': encode(api.admin.key) } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  /** What kubectl prints, both streams; it may fail. */
  const kubectl = async (config: string, ...words: string[]): Promise<string> => {
    try {
      const arguments_ = ['--kubeconfig', config, '--cache-dir', join(folder, 'cache'), ...words];
      const { stdout, stderr } = await run(kubectlBinary(), arguments_, { timeout: 60_000 });
      return (stdout + stderr).trim();
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return (stdout + stderr).trim();
    }
  };
  const at = (moment: string | number, ...words: string[]): Promise<string> =>
    kubectl(kubeconfig(`at-${String(moment).replace(/\W/g, '_')}`, `/at/${moment}`), ...words);

  beforeAll(async () => {
    api = await startTestApiServer();
    folder = mkdtempSync(join(tmpdir(), 'kubectl-past-'));
    const now = kubeconfig('now', '');
    await kubectl(now, 'create', 'namespace', 'default');
    before = await api.log.last('state');
    writeFileSync(join(folder, 'web.yaml'), WEB);
    expect(await kubectl(now, 'apply', '-f', join(folder, 'web.yaml'))).toBe('deployment.apps/web created\nsecret/password created');
    await api.put(EVENT);
    created = await api.log.last('state');
    expect(await kubectl(now, 'scale', 'deployment', 'web', '--replicas=5')).toBe('deployment.apps/web scaled');
    scaled = await api.log.last('state');
    expect(await kubectl(now, 'delete', 'deployment', 'web')).toContain('deleted');
    expect(await kubectl(now, 'get', 'deployments')).toContain('No resources found');
  }, 60_000);
  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets what there was, in every form', async () => {
    expect(await at(created, 'get', 'deploy')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2 +0 +0 +\d+s$/);
    expect(await at(scaled, 'get', 'deploy', '-A', '-o', 'wide')).toMatch(/default +web +0\/5 +0 +0 +\d+s +web +nginx:1 +app=web/);
    expect(await at(created, 'get', 'deploy/web', '-o', 'yaml')).toMatch(/^apiVersion: apps\/v1\nkind: Deployment[^]*\n {2}replicas: 2\n/);
    expect(await at(created, 'get', 'deploy', '-o', 'name', '-l', 'app=web')).toBe('deployment.apps/web');
    expect(await at(scaled, 'get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('5');
    expect(await at(before, 'get', 'deploy')).toBe('No resources found in default namespace.');
    expect(await at(before, 'get', 'deploy', 'web')).toBe('Error from server (NotFound): deployments.apps "web" not found');
    expect(await at('1d', 'get', 'all', '-A')).toBe('No resources found');
  });

  it('takes the path of a server from its command line, too', async () => {
    const now = kubeconfig('now', '');
    const server = `https://127.0.0.1:${api.server.port}/at/${scaled}`;
    expect(await kubectl(now, '--server', server, 'get', 'deploy', '-o', 'name')).toBe('deployment.apps/web');
  });

  it('describes, explains and says what was served', async () => {
    const described = await at(scaled, 'describe', 'deploy/web');
    expect(described).toMatch(/Replicas: +5 desired/);
    expect(await at('now', 'get', 'events')).toContain('Scaled up replica set web-1 to 2');
    expect(await at(created, 'explain', 'deployment.spec.replicas')).toContain('FIELD: replicas <integer>');
    expect(await at(created, 'api-resources', '-o', 'name')).toContain('deployments.apps');
    expect(await at(created, 'version')).toContain('Server Version: v1.36.4+decklog');
    expect(await at(created, 'get', 'secret', 'password', '-o', 'jsonpath={.data.password}')).toBe('c3dvcmRmaXNo');
  });

  it('is refused what changes things or needs a container', async () => {
    const readOnly = 'the past is read-only: only get, list and watch are answered under /at/';
    expect(await at(created, 'delete', 'deploy', 'web')).toBe(`Error from server (MethodNotAllowed): ${readOnly}`);
    expect(await at(created, 'scale', 'deploy', 'web', '--replicas=1')).toContain(readOnly);
    expect(await at(created, 'create', 'configmap', 'x')).toContain(readOnly);
    expect(await at('soon', 'get', 'pods')).toContain('Error from server (BadRequest)');
  });

  it('watches what came then, up to now', async () => {
    const config = kubeconfig('fast', `/at/${created};speed=max`);
    const printed = await kubectl(config, 'get', 'deploy', '-w', '--output-watch-events', '--no-headers');
    const columns = printed.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '));
    expect(columns).toEqual(['ADDED web 0/2', 'MODIFIED web 0/5', 'DELETED web 0/5']);
  });
});
