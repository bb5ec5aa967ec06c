import path from 'node:path';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(180_000);

const NODE = 'decklog-test/node:1';
const modules = path.join(__dirname, '../../node_modules');

/** A container to look into: it says something once, then ticks, and answers HTTP on 8080. */
const SERVER = `
console.log('said once');
setInterval(() => console.log('tick'), 200);
require('node:http').createServer((_, response) => response.end('from the port')).listen(8080);
`;

/** What the official JavaScript client does inside a pod, with nothing but its service account. */
const PROGRAM = `
const k8s = await import('@kubernetes/client-node');
const { PassThrough } = await import('node:stream');
const config = new k8s.KubeConfig();
config.loadFromCluster();
const api = config.makeApiClient(k8s.CoreV1Api);
const { items } = await api.listNamespacedPod({ namespace: 'default' });
console.log('pods:', items.map((pod) => pod.metadata.name).join(','));
await api.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'from-inside' }, data: { a: 'b' } } });
const seen = [];
const informer = k8s.makeInformer(config, '/api/v1/namespaces/default/configmaps', () => api.listNamespacedConfigMap({ namespace: 'default' }));
informer.on('add', (object) => seen.push(object.metadata.name));
await informer.start();
console.log('informer:', seen.includes('from-inside'));
await informer.stop();
const out = new PassThrough();
let text = '';
out.on('data', (piece) => (text += piece));
await new Promise((resolve, reject) => {
  new k8s.Exec(config).exec('default', 'target', 'main', ['echo', 'from exec'], out, process.stderr, null, false, (status) => resolve(status)).catch(reject);
});
console.log('exec:', text.trim());
const log = new PassThrough();
let lines = '';
log.on('data', (piece) => (lines += piece));
await new k8s.Log(config).log('default', 'target', 'main', log, { follow: false });
await new Promise((resolve) => (log.readableEnded || log.closed ? resolve() : log.on('end', resolve)));
console.log('log:', lines.trim());
const attached = new PassThrough();
const ticked = new Promise((resolve) => attached.on('data', (piece) => String(piece).includes('tick') && resolve(true)));
const attachment = await new k8s.Attach(config).attach('default', 'target', 'main', attached, process.stderr, null, false);
console.log('attach:', await ticked);
attachment.close();
const answer = new PassThrough();
let answered = '';
const whole = new Promise((resolve) => answer.on('data', (piece) => ((answered += piece).includes('from the port') ? resolve(true) : undefined)));
const request = new PassThrough();
const forwarded = await new k8s.PortForward(config).portForward('default', 'target', [8080], answer, process.stderr, request);
request.write('GET / HTTP/1.0\\r\\n\\r\\n');
console.log('port-forward:', await whole);
(typeof forwarded === 'function' ? forwarded() : forwarded)?.close();
console.log('finished');
process.exit(0);
`;

describe('the official JavaScript client', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    buildImage('node', NODE);
    cluster = await TestCluster.start();
  });
  afterAll(() => cluster?.delete());

  it('lists, creates, watches, executes, attaches, forwards and reads logs from inside a pod with its service account', async () => {
    const target = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'target' },
      spec: { containers: [{ name: 'main', image: NODE, command: ['node', '-e', SERVER] }] },
    };
    await cluster.kubectl('apply -f -', { input: JSON.stringify(target) });
    await cluster.kubectl('wait --for=condition=Ready pod/target --timeout=60s');
    await cluster.kubectl('create rolebinding inside --clusterrole=edit --serviceaccount=default:default');
    const inside = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'inside' },
      spec: {
        restartPolicy: 'Never',
        volumes: [{ name: 'modules', hostPath: { path: modules, type: 'Directory' } }],
        containers: [
          {
            name: 'main',
            image: NODE,
            workingDir: '/app',
            command: ['node', '--input-type=module', '-e', PROGRAM],
            volumeMounts: [{ name: 'modules', mountPath: '/app/node_modules', readOnly: true }],
          },
        ],
      },
    };
    await cluster.kubectl('apply -f -', { input: JSON.stringify(inside) });
    const phase = await eventually('the program ended', async () => {
      const { status } = await cluster.get<{ status: { phase: string } }>('pod inside');
      return (status.phase === 'Succeeded' || status.phase === 'Failed') && status.phase;
    });
    const log = await cluster.kubectl('logs inside');
    expect(log).toContain('pods: inside,target');
    expect(log).toContain('informer: true');
    expect(log).toContain('exec: from exec');
    expect(log).toContain('log: said once');
    expect(log).toContain('attach: true');
    expect(log).toContain('port-forward: true');
    expect(phase).toBe('Succeeded');
  });
});
