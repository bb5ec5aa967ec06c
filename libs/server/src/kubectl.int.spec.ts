import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kubectlBinary, startTestApiServer, type TestApiServer } from '#libs/testing';

const run = promisify(execFile);

const MANIFEST = (values: string): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: applied
data:
${values}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1", ports: [{containerPort: 80}]}]}
`;

describe('kubectl', () => {
  let api: TestApiServer;
  let folder: string;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  /** What kubectl prints, both streams; it may fail. */
  const kubectl = async (...words: string[]): Promise<string> => {
    const place = ['--kubeconfig', join(folder, 'config'), '--cache-dir', join(folder, 'cache')];
    try {
      const { stdout, stderr } = await run(kubectlBinary(), [...place, ...words], { timeout: 60_000 });
      return (stdout + stderr).trim();
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return (stdout + stderr).trim();
    }
  };

  /** A kubectl that goes on: resolves each time its output so far matches. */
  const follow = (...words: string[]): { says(pattern: RegExp): Promise<void>; stop(): void } => {
    const place = ['--kubeconfig', join(folder, 'config'), '--cache-dir', join(folder, 'cache')];
    const child = spawn(kubectlBinary(), [...place, ...words]);
    let output = '';
    let heard = (): void => undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        heard();
      });
    }
    return {
      says: (pattern) =>
        new Promise((resolve) => {
          heard = () => void (pattern.test(output) && resolve());
          heard();
        }),
      stop: () => void child.kill(),
    };
  };

  beforeAll(async () => {
    api = await startTestApiServer({ options: { descriptions: { 'io.k8s.api.core.v1.Container': { imagePullPolicy: 'When to pull.' } } } });
    folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        {
          name: 'test',
          cluster: { server: `https://127.0.0.1:${api.server.port}`, 'certificate-authority-data': encode(api.authority.cert) },
        },
      ],
      users: [{ name: 'test', user: { 'client-certificate-data': encode(api.admin.cert), 'client-key-data': encode(api.admin.key) } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    file('config', JSON.stringify(config));
    expect(await kubectl('create', 'namespace', 'default')).toBe('namespace/default created');
    expect(await kubectl('create', 'serviceaccount', 'default')).toBe('serviceaccount/default created');
  }, 60_000);
  afterAll(async () => {
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds out what is served and who it is', async () => {
    expect(await kubectl('version')).toContain('Server Version: v1.36.4+decklog');
    expect(await kubectl('api-resources', '-o', 'name')).toContain('deployments.apps');
    expect(await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).toBe('admin');
    expect(await kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes');
    expect(await kubectl('explain', 'deployment.spec.replicas')).toContain('FIELD: replicas <integer>');
  }, 60_000);

  it('applies a manifest, applies it again, changes a field and removes one', async () => {
    const first = file('first.yaml', MANIFEST('  a: "1"\n  b: "2"'));
    expect(await kubectl('apply', '-f', first)).toBe('configmap/applied created\ndeployment.apps/web created');
    expect(await kubectl('apply', '-f', first)).toBe('configmap/applied unchanged\ndeployment.apps/web unchanged');
    const second = file('second.yaml', MANIFEST('  a: "3"').replace('nginx:1', 'nginx:2'));
    expect(await kubectl('diff', '-f', second)).toContain('nginx:2');
    expect(await kubectl('apply', '-f', second)).toBe('configmap/applied configured\ndeployment.apps/web configured');
    expect(await kubectl('get', 'configmap', 'applied', '-o', 'jsonpath={.data}')).toBe('{"a":"3"}');
    expect(await kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')).toBe('nginx:2');
  }, 60_000);

  it('refuses a manifest with an unknown field and a wrong type', async () => {
    const unknown = file('unknown.yaml', MANIFEST('  a: "1"').replace('spec:\n  replicas', 'spec:\n  colour: red\n  replicas'));
    expect(await kubectl('apply', '-f', unknown)).toContain('strict decoding error: unknown field "spec.colour"');
    const wrong = file('wrong.yaml', MANIFEST('  a: "1"').replace('replicas: 2', 'replicas: many'));
    expect(await kubectl('apply', '-f', wrong)).toContain(
      'cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  }, 60_000);

  it('scales, labels, annotates, patches and sets images', async () => {
    await kubectl('create', 'deployment', 'd', '--image=nginx:1');
    expect(await kubectl('scale', 'deploy', 'd', '--replicas=5')).toBe('deployment.apps/d scaled');
    expect(await kubectl('label', 'deploy', 'd', 'tier=web')).toBe('deployment.apps/d labeled');
    expect(await kubectl('annotate', 'deploy', 'd', 'a=b')).toBe('deployment.apps/d annotated');
    expect(await kubectl('set', 'image', 'deploy/d', 'nginx=nginx:9')).toBe('deployment.apps/d image updated');
    expect(await kubectl('patch', 'deploy', 'd', '--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":7}]')).toBe(
      'deployment.apps/d patched',
    );
    const wanted = '{.spec.replicas} {.metadata.labels.tier} {.metadata.annotations.a} {.spec.template.spec.containers[0].image}';
    expect(await kubectl('get', 'deploy', 'd', '-o', `jsonpath=${wanted}`)).toBe('7 web b nginx:9');
    expect(await kubectl('get', 'deploy', '-l', 'tier in (web)', '-o', 'name')).toBe('deployment.apps/d');
  }, 60_000);

  it('prints what is there as a table, with the usual columns', async () => {
    await kubectl('expose', 'deployment', 'd', '--port=80', '--type=NodePort');
    expect(await kubectl('get', 'deploy', 'd')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nd +0\/7 +0 +0 +\d+s$/);
    expect(await kubectl('get', 'svc', 'd', '-o', 'wide')).toMatch(
      /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE +SELECTOR\nd +NodePort +10\.96\./,
    );
    expect(await kubectl('get', 'nothing')).toContain('the server doesn\'t have a resource type "nothing"');
    expect(await kubectl('get', 'cm', 'absent')).toBe('Error from server (NotFound): configmaps "absent" not found');
  }, 60_000);

  it('makes Services for a ReplicationController, of it and of each other, and replaces the image of a pod', async () => {
    const template = { metadata: { labels: { app: 'rc' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };
    const controller = {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'rc' },
      spec: { selector: { app: 'rc' }, template },
    };
    await kubectl('create', '-f', file('rc.json', JSON.stringify(controller)));
    expect(await kubectl('expose', 'rc', 'rc', '--name=rm2', '--port=1234', '--target-port=6379')).toBe('service/rm2 exposed');
    expect(await kubectl('expose', 'service', 'rm2', '--name=rm3', '--port=2345', '--target-port=6379')).toBe('service/rm3 exposed');
    const ports = '{.spec.selector.app} {.spec.ports[0].port} {.spec.ports[0].targetPort}';
    expect(await kubectl('get', 'service', 'rm2', '-o', `jsonpath=${ports}`)).toBe('rc 1234 6379');
    expect(await kubectl('get', 'service', 'rm3', '-o', `jsonpath=${ports}`)).toBe('rc 2345 6379');
    await kubectl('run', 'replaced', '--image=nginx:1', '--labels=run=replaced');
    const pod = await kubectl('get', 'pod', 'replaced', '-o', 'json');
    expect(await kubectl('replace', '-f', file('replaced.json', pod.replace('nginx:1', 'nginx:2')))).toBe('pod/replaced replaced');
    expect(await kubectl('get', 'pod', 'replaced', '-o', 'jsonpath={.spec.containers[0].image}')).toBe('nginx:2');
  }, 60_000);

  it('watches, waits, lists in pages and deletes', async () => {
    const pages = await Promise.all(['p1', 'p2', 'p3'].map((name) => kubectl('create', 'configmap', name)));
    expect(pages).toEqual(['configmap/p1 created', 'configmap/p2 created', 'configmap/p3 created']);
    expect((await kubectl('get', 'cm', '--chunk-size=1', '-o', 'name')).split('\n')).toEqual(
      expect.arrayContaining(['configmap/p1', 'configmap/p2', 'configmap/p3']),
    );
    const watching = follow('get', 'configmap', 'p1', '--watch', '--output-watch-events');
    await watching.says(/ADDED +p1/);
    await kubectl('patch', 'configmap', 'p1', '-p', '{"data":{"a":"1"}}');
    await watching.says(/MODIFIED +p1 +1/);
    const gone = kubectl('wait', '--for=delete', 'configmap/p1', '--timeout=30s');
    expect(await kubectl('delete', 'configmap', 'p1')).toMatch(/^configmap "p1" deleted( from default namespace)?$/);
    await watching.says(/DELETED +p1/);
    watching.stop();
    await gone;
    expect(await kubectl('delete', 'cm', '-l', 'none=such')).toBe('No resources found');
    expect(await kubectl('delete', 'cm', 'p2', 'p3')).toContain('configmap "p3" deleted');
  }, 60_000);

  it('makes tokens that are good for another kubectl', async () => {
    const token = await kubectl('create', 'token', 'default');
    await kubectl('create', 'clusterrole', 'who-am-i', '--verb=create', '--resource=selfsubjectreviews.authentication.k8s.io');
    await kubectl('create', 'clusterrolebinding', 'who-am-i', '--clusterrole=who-am-i', '--serviceaccount=default:default');
    const authority = file('ca.crt', api.authority.cert);
    const place = [
      '--server',
      `https://127.0.0.1:${api.server.port}`,
      '--certificate-authority',
      authority,
      '--kubeconfig',
      file('empty', '{}'),
    ];
    const { stdout } = await run(kubectlBinary(), [
      ...place,
      '--token',
      token,
      'auth',
      'whoami',
      '-o',
      'jsonpath={.status.userInfo.username}',
    ]);
    expect(stdout).toBe('system:serviceaccount:default:default');
  }, 60_000);

  it('says why there is no log and nothing to execute in', async () => {
    await kubectl('run', 'p', '--image=nginx:1');
    expect(await kubectl('exec', 'p', '--', 'ls')).toContain('pod p does not have a host assigned');
    expect(await kubectl('logs', 'p')).toBe('');
    expect(await kubectl('logs', 'p', '-c', 'x')).toContain('container x is not valid for pod p');
  }, 60_000);

  it('leaves nothing unexpected behind in the log of the server', () => {
    expect(api.logged).toEqual([]);
  });

  it('explains fields, with their values and with the sentences that are known', async () => {
    const explained = await kubectl('explain', 'pods.spec.containers.imagePullPolicy');
    expect(explained).toMatch(/FIELD: imagePullPolicy <string>\nENUM:\n\s+Always\n\s+IfNotPresent\n\s+Never\n/);
    expect(explained).toContain('When to pull.');
    expect(await kubectl('explain', 'pods.spec', '--recursive')).toMatch(/containers\t<\[\]Container> -required-/);
  });
});
