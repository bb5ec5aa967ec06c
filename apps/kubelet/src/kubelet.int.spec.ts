import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import WebSocket from 'ws';
import { removeClusterContainers, removeClusterNetworks } from '#libs/node-adapters';
import { kubectlBinary, startTestApiServer, type TestApiServer } from '#libs/testing';
import type { Event, Pod } from '#libs/api';
import type { KubeletConfig } from './config.js';
import { startKubelet, type RunningKubelet } from './kubelet.js';

const run = promisify(execFile);
const ROOT = path.join(__dirname, '../../..');
const IMAGE = 'decklog-spec/shell:1.0';
const CLUSTER = `s${process.pid % 10_000}`;
const RANGE = 32 + (process.pid % 30);
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const verbose = { ...silent, warn: console.warn, error: console.error };

jest.setTimeout(60_000);

let api: TestApiServer;
let kubelet: RunningKubelet;
let config: KubeletConfig;
let folder: string;
const docker = new Docker();

async function kubectl(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    const { stdout, stderr } = await run(kubectlBinary(), args, {
      env: { ...process.env, KUBECONFIG: path.join(folder, 'kubeconfig'), ...env },
      timeout: 60_000,
    });
    return { stdout, stderr, code: 0 };
  } catch (error) {
    const { stdout = '', stderr = '', code = -1 } = error as { stdout?: string; stderr?: string; code?: number };
    return { stdout, stderr, code };
  }
}

async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const seen = await probe();
      if (seen !== undefined && seen !== false) return seen;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const described = await Promise.resolve(explain(what)).catch(String);
  throw new Error(`${what} did not happen: ${String(last)}\n${described}`);
}

/** Speaks a WebSocket subprotocol with the API server; all that came, by channel, once it is closed or `until` holds. */
const overWebSocket = (
  target: string,
  protocol: string,
  begin: (socket: WebSocket) => void,
  until: (channels: ReadonlyMap<number, string>) => boolean = () => false,
): Promise<ReadonlyMap<number, string>> =>
  new Promise((resolve, reject) => {
    const { cert, key } = api.admin;
    const socket = new WebSocket(`wss://127.0.0.1:${api.server.port}${target}`, protocol, { ca: api.authority.cert, cert, key });
    const channels = new Map<number, string>();
    socket.on('error', reject);
    socket.once('open', () => begin(socket));
    socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? 0;
      channels.set(channel, (channels.get(channel) ?? '') + data.toString('latin1', 1));
      if (until(channels)) socket.close();
    });
    socket.once('close', () => resolve(channels));
  });

/** What comes back when a text is piped through `cat` in the pod. */
const pipedThroughCat = (text: string, env: Record<string, string>): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(kubectlBinary(), ['exec', '-i', 'web', '--', 'cat'], {
      env: { ...process.env, KUBECONFIG: path.join(folder, 'kubeconfig'), ...env },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('close', () => resolve(out));
    child.stdin.end(text);
  });

const explain = async (what: string): Promise<string> => (await kubectl(['describe', 'pod', what.split(' ')[0] ?? ''])).stdout;

const podOf = async (name: string): Promise<Pod | undefined> => {
  const answer = await api.ask(`/api/v1/namespaces/default/pods/${name}`);
  return answer.code === 200 ? answer.json<Pod>() : undefined;
};

const podWhen = (name: string, what: string, holds: (pod: Pod) => boolean, timeoutMs?: number): Promise<Pod> =>
  eventually(
    `${name} ${what}`,
    async () => {
      const pod = await podOf(name);
      return pod && holds(pod) ? pod : undefined;
    },
    timeoutMs,
  );

const isReady = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

const eventsOf = async (name: string): Promise<readonly string[]> => {
  const { items } = (await api.ask('/api/v1/namespaces/default/events')).json<{ items: Event[] }>();
  return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
};

async function create(path_: string, object: object): Promise<void> {
  const answer = await api.ask(path_, { method: 'POST', body: object });
  if (answer.code >= 300) throw new Error(answer.text);
}

const SERVE = [
  'sh',
  '-c',
  'trap "exit 0" TERM; mkdir -p /www; hostname > /www/index.html; httpd -p 8080 -h /www; echo started; while true; do sleep 1; done',
];

const podManifest = (name: string, spec: object, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 5, ...spec },
});

const runPod = (name: string, spec: object, metadata: object = {}): Promise<void> =>
  create('/api/v1/namespaces/default/pods', podManifest(name, spec, metadata));

const shell = (script: string, more: object = {}): object => ({
  name: 'main',
  image: IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  ...more,
});

const start = (): Promise<RunningKubelet> => startKubelet(config, process.env['VERBOSE'] ? verbose : silent);

beforeAll(async () => {
  const built = spawnSync(process.execPath, ['tools/images.mjs', 'shell', IMAGE], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  folder = mkdtempSync(path.join(tmpdir(), 'decklog-kubelet-'));
  api = await startTestApiServer();
  const nodeIp = `10.99.${RANGE}.1`;
  const node = await api.authority.issue('system:node:node-1', { organizations: ['system:nodes'] });
  const second = await api.authority.issue('system:node:node-2', { organizations: ['system:nodes'] });
  const serving = await api.authority.issue('node-1', { addresses: [nodeIp] });
  const files = {
    'ca.crt': api.authority.cert,
    'node.crt': node.cert,
    'node.key': node.key,
    'node-2.crt': second.cert,
    'node-2.key': second.key,
    'serving.crt': serving.cert,
    'serving.key': serving.key,
    'admin.crt': api.admin.cert,
    'admin.key': api.admin.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const file = (name: string): string => path.join(folder, name);
  const cluster = { name: 'spec', cluster: { server: `https://127.0.0.1:${api.server.port}`, 'certificate-authority': file('ca.crt') } };
  const user = { name: 'admin', user: { 'client-certificate': file('admin.crt'), 'client-key': file('admin.key') } };
  const context = { name: 'spec', context: { cluster: 'spec', user: 'admin' } };
  writeFileSync(
    file('kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [user],
      contexts: [context],
      'current-context': 'spec',
    }),
  );
  config = {
    nodeName: 'node-1',
    apiUrl: `https://127.0.0.1:${api.server.port}`,
    caFile: file('ca.crt'),
    certFile: file('node.crt'),
    keyFile: file('node.key'),
    cluster: CLUSTER,
    nodeIp,
    podCidr: `10.99.${RANGE}.0/24`,
    advertiseAddress: '127.0.0.1',
    clusterCidr: `10.99.${RANGE}.0/24`,
    serviceCidr: '10.96.0.0/16',
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    servingCertFile: file('serving.crt'),
    servingKeyFile: file('serving.key'),
    dataDir: path.join(folder, 'data'),
    runtime: 'docker',
    dockerSocket: '/var/run/docker.sock',
    proxy: 'nftables',
    kubeletPort: 10_250,
    logLevel: 'info',
  };
  for (const name of ['default', 'kube-node-lease']) {
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await create('/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  });
  await create('/api/v1/namespaces/default/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt', namespace: 'default' },
    data: { 'ca.crt': api.authority.cert },
  });
  kubelet = await start();
});

afterAll(async () => {
  await kubelet?.stop();
  await api?.close();
  await removeClusterContainers(CLUSTER);
  await removeClusterNetworks(CLUSTER);
  spawnSync('sh', ['-c', `for m in $(grep -o '${folder}[^ ]*' /proc/self/mounts); do umount -l $m; done`]);
  rmSync(folder, { recursive: true, force: true });
});

describe('a node with Docker', () => {
  it('registers itself, ready, with its lease', async () => {
    const { stdout } = await kubectl(['get', 'nodes', '-o', 'wide']);
    expect(stdout).toMatch(/node-1 +Ready/);
    const lease = (await api.ask('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1')).json<{
      spec: { holderIdentity: string; leaseDurationSeconds: number };
    }>();
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
  });

  it('runs a pod whose image it has until it is ready, and says so in upstream words', async () => {
    await runPod('web', {
      containers: [
        {
          name: 'main',
          image: IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command: SERVE,
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
        },
      ],
    });
    const pod = await podWhen('web', 'is ready', isReady);
    expect(pod.status).toMatchObject({
      phase: 'Running',
      hostIP: config.nodeIp,
      qosClass: 'BestEffort',
      containerStatuses: [{ ready: true, started: true, restartCount: 0 }],
    });
    const events = await eventually('three events', async () => {
      const seen = await eventsOf('web');
      return seen.filter((text) => !text.startsWith('Unhealthy')).length >= 3 ? seen : undefined;
    });
    expect(events).toEqual(
      expect.arrayContaining([
        `Pulled: Container image "${IMAGE}" already present on machine and can be accessed by the pod`,
        'Created: Container created',
        'Started: Container started',
      ]),
    );
    const body = await new Promise<string>((resolve, reject) =>
      http
        .get(`http://${pod.status?.podIP ?? ''}:8080/`, (response) => response.on('data', (data: Buffer) => resolve(data.toString())))
        .on('error', reject),
    );
    expect(body.trim()).toBe('web');
  });

  it('serves logs, exec and its exit code over WebSocket and over SPDY', async () => {
    expect((await kubectl(['logs', 'web'])).stdout).toBe('started\n');
    expect((await kubectl(['logs', 'web', '--timestamps'])).stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z started\n$/);
    for (const sockets of ['true', 'false']) {
      const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: sockets };
      expect(await kubectl(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2'], env)).toMatchObject({
        code: 0,
        stdout: 'out\n',
        stderr: 'err\n',
      });
      expect(await kubectl(['exec', 'web', '--', 'sh', '-c', 'exit 7'], env)).toMatchObject({
        code: 7,
        stderr: 'command terminated with exit code 7\n',
      });
      expect((await pipedThroughCat('x'.repeat(300_000), env)).length).toBe(300_000);
    }
  });

  it('forwards ports over the WebSocket tunnel and over SPDY, even to what listens on loopback alone', async () => {
    await runPod('loopback', {
      containers: [shell('mkdir /www; echo inside > /www/index.html; httpd -p 127.0.0.1:8081 -h /www; sleep 1000')],
    });
    await podWhen('loopback', 'is ready', isReady);
    for (const sockets of ['true', 'false']) {
      for (const [pod, port, expected] of [
        ['web', 8080, 'web'],
        ['loopback', 8081, 'inside'],
      ] as const) {
        const child = spawn(kubectlBinary(), ['port-forward', `pod/${pod}`, `:${port}`], {
          env: { ...process.env, KUBECONFIG: path.join(folder, 'kubeconfig'), KUBECTL_PORT_FORWARD_WEBSOCKETS: sockets },
        });
        try {
          let text = '';
          child.stderr.on('data', (data: Buffer) => (text += data.toString()));
          child.stdout.on('data', (data: Buffer) => (text += data.toString()));
          const local = await eventually('forwarding', async () => /127\.0\.0\.1:(\d+)/.exec(text)?.[1], 15_000);
          for (let round = 0; round < 3; round += 1) {
            const answer = await fetch(`http://127.0.0.1:${local}/`, { headers: { connection: 'close' } }).catch((error: unknown) => ({
              text: async () => `${String(error)} ${text}`,
            }));
            expect((await answer.text()).trim()).toBe(expected);
          }
        } finally {
          child.kill();
        }
      }
    }
  });

  it('gives a command a terminal of the size that the client says, and tells how it ended', async () => {
    const command = ['sh', '-c', 'test -t 0 && read line && echo got $line; exit 3']
      .map((word) => `command=${encodeURIComponent(word)}`)
      .join('&');
    const target = `/api/v1/namespaces/default/pods/web/exec?stdin=true&stdout=true&tty=true&container=main&${command}`;
    const channels = await overWebSocket(target, 'v4.channel.k8s.io', (socket) => {
      socket.send(Buffer.concat([Buffer.from([4]), Buffer.from('{"Width":120,"Height":40}')]));
      socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('word\n')]));
    });
    expect(channels.get(1)).toContain('got word');
    expect(JSON.parse(channels.get(3) ?? '{}')).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  it('forwards ports over the channels of a WebSocket, each beginning with its port', async () => {
    const channels = await overWebSocket(
      '/api/v1/namespaces/default/pods/web/portforward?ports=8080',
      'v4.channel.k8s.io',
      (socket) => socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('GET / HTTP/1.0\r\n\r\n')])),
      (seen) => seen.get(0)?.includes('web') === true,
    );
    expect(channels.get(0)?.slice(0, 2)).toBe('\x90\x1f');
    expect(channels.get(1)).toBe('\x90\x1f');
    expect(channels.get(0)).toContain('200 OK');
  });

  it('gives a copy of its files and takes one', async () => {
    writeFileSync(path.join(folder, 'copied'), 'there and back');
    expect(await kubectl(['cp', path.join(folder, 'copied'), 'web:/copied'])).toMatchObject({ code: 0 });
    expect((await kubectl(['exec', 'web', '--', 'cat', '/copied'])).stdout).toBe('there and back');
  });

  it('runs a container that kubectl adds to look into a pod, beside the processes of its target', async () => {
    const { containers } = (await podOf('web'))?.spec ?? { containers: [] };
    const target = containers[0]?.name ?? '';
    const sleeps = ['sh', '-c', 'while true; do sleep 1; done'];
    const added = await kubectl(['debug', 'web', '--image', IMAGE, '--target', target, '--container', 'debug', '--', ...sleeps]);
    expect([added.code, added.stderr]).toEqual([0, expect.any(String)]);
    await podWhen('web', 'runs debug', ({ status }) => status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined);
    const init = await kubectl(['exec', 'web', '--container', 'debug', '--', 'cat', '/proc/1/cmdline']);
    expect(init.stdout).toContain('httpd -p 8080');
    expect((await kubectl(['exec', 'web', '--container', 'debug', '--', 'hostname'])).stdout.trim()).toBe('web');
    expect(isReady((await podOf('web')) as Pod)).toBe(true);
  });

  it('answers HTTP through the API server', async () => {
    const { code, text } = await api.ask('/api/v1/namespaces/default/pods/web/proxy/');
    expect([code, text.trim()]).toEqual([200, 'web']);
  });

  it('gives a container other limits while it runs', async () => {
    const limits = { cpu: '200m', memory: '64Mi' };
    await runPod('sized', {
      containers: [shell('while true; do sleep 1; done', { resources: { requests: { cpu: '100m', memory: '32Mi' }, limits } })],
    });
    const before = await podWhen('sized', 'is ready', isReady);
    expect(before.status?.containerStatuses?.[0]?.resources?.limits).toEqual(limits);
    const body = JSON.stringify({ spec: { containers: [{ name: 'main', resources: { limits: { cpu: '400m', memory: '128Mi' } } }] } });
    const resized = await kubectl(['patch', 'pod', 'sized', '--subresource', 'resize', '--patch', body]);
    expect([resized.code, resized.stderr]).toEqual([0, '']);
    const after = await podWhen(
      'sized',
      'has more',
      ({ status }) => status?.containerStatuses?.[0]?.resources?.limits?.['memory'] === '128Mi',
    );
    const [status] = after.status?.containerStatuses ?? [];
    expect([status?.restartCount, status?.containerID]).toEqual([0, before.status?.containerStatuses?.[0]?.containerID]);
    const { HostConfig } = await docker.getContainer(status?.containerID?.replace('docker://', '') ?? '').inspect();
    expect([HostConfig.Memory, HostConfig.CpuQuota]).toEqual([128 * 1024 * 1024, 40_000]);
    await api.ask('/api/v1/namespaces/default/pods/sized', { method: 'DELETE' });
  });

  it('restarts a container that was killed and counts it', async () => {
    const before = await podWhen('web', 'is ready', isReady);
    const id = before.status?.containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? '';
    await docker.getContainer(id).kill();
    const after = await podWhen('web', 'is ready again', (pod) => isReady(pod) && pod.status?.containerStatuses?.[0]?.restartCount === 1);
    expect(after.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'Error',
      containerID: `docker://${id}`,
    });
    expect((await kubectl(['logs', 'web', '--previous'])).stdout).toBe('started\n');
  });

  it('finds its containers again when the agent restarts', async () => {
    const before = await podOf('web');
    await kubelet.stop();
    kubelet = await start();
    await runPod('after-restart', { containers: [shell('sleep 1000')] });
    await podWhen('after-restart', 'is ready', isReady);
    expect((await podOf('web'))?.status?.containerStatuses).toEqual(before?.status?.containerStatuses);
  });

  it('gives containers environment, files, tokens and names', async () => {
    await create('/api/v1/namespaces/default/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cfg', namespace: 'default' },
      data: { key: 'one', other: 'two' },
    });
    await create('/api/v1/namespaces/default/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sec', namespace: 'default' },
      data: { password: Buffer.from('p4ss').toString('base64') },
    });
    await runPod(
      'full',
      {
        hostAliases: [{ ip: '1.2.3.4', hostnames: ['alias.example'] }],
        volumes: [
          { name: 'cfg', configMap: { name: 'cfg' } },
          { name: 'sec', secret: { secretName: 'sec', defaultMode: 0o400 } },
          { name: 'tmp', emptyDir: {} },
          { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
          { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
        initContainers: [shell('echo from-init > /tmp2/init', { name: 'init', volumeMounts: [{ name: 'tmp', mountPath: '/tmp2' }] })],
        containers: [
          shell('sleep 1000', {
            resources: { limits: { memory: '64Mi', cpu: '500m' } },
            env: [
              { name: 'A', value: 'a' },
              { name: 'B', value: '$(A)-$(NOPE)-$$(A)' },
              { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
              { name: 'PW', valueFrom: { secretKeyRef: { name: 'sec', key: 'password' } } },
            ],
            envFrom: [{ prefix: 'CFG_', configMapRef: { name: 'cfg' } }],
            volumeMounts: [
              { name: 'cfg', mountPath: '/cfg' },
              { name: 'cfg', mountPath: '/single', subPath: 'other' },
              { name: 'sec', mountPath: '/sec' },
              { name: 'tmp', mountPath: '/tmp2' },
              { name: 'mem', mountPath: '/mem' },
              { name: 'info', mountPath: '/info' },
            ],
          }),
        ],
      },
      { labels: { app: 'full' } },
    );
    const pod = await podWhen('full', 'is ready', isReady);
    const cat = async (...command: string[]): Promise<string> =>
      (await kubectl(['exec', 'full', '-c', 'main', '--', ...command])).stdout.trim();
    expect(await cat('sh', '-c', 'echo $A,$B,$POD,$IP,$MEM,$PW,$CFG_key')).toBe(
      `a,a-$(NOPE)-$(A),full,${pod.status?.podIP ?? ''},64,p4ss,one`,
    );
    expect(await cat('cat', '/cfg/key', '/single', '/sec/password', '/tmp2/init', '/info/labels')).toBe('onetwop4ssfrom-init\napp="full"');
    expect(await cat('cat', '/etc/hosts')).toContain('1.2.3.4\talias.example');
    expect(await cat('cat', '/etc/resolv.conf')).toMatch(
      /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.*\nnameserver 10\.96\.0\.10\noptions ndots:5$/,
    );
    expect(await cat('ls', '/var/run/secrets/kubernetes.io/serviceaccount')).toBe('ca.crt\nnamespace\ntoken');
    expect(await cat('sh', '-c', 'mount | grep " /mem "')).toContain('tmpfs');
    expect(pod.status?.initContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    await kubectl(['patch', 'configmap', 'cfg', '-p', '{"data":{"key":"three"}}']);
    await eventually('the file follows', async () => (await cat('cat', '/cfg/key')) === 'three');
  });

  it('says why an image can not be had', async () => {
    await runPod('no-image', { containers: [{ name: 'main', image: 'localhost:1/nowhere:1' }] });
    const pod = await podWhen(
      'no-image',
      'backs off',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
    );
    expect(pod.status?.phase).toBe('Pending');
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^Back-off pulling image "localhost:1\/nowhere:1": ErrImagePull: /,
    );
    await runPod('never', { containers: [{ name: 'main', image: 'nowhere:1', imagePullPolicy: 'Never' }] });
    await podWhen('never', 'waits', ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull');
  });

  it('backs off a container that fails, keeps its last message, and ends a pod that is done', async () => {
    await runPod('crash', { containers: [shell('echo bye > /dev/termination-log; exit 3')] });
    const crash = await podWhen(
      'crash',
      'backs off',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    expect(crash.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 3, message: 'bye\n', reason: 'Error' } },
    });
    await runPod('done', { restartPolicy: 'Never', containers: [shell('exit 0')] });
    const done = await podWhen('done', 'is done', ({ status }) => status?.phase === 'Succeeded');
    expect(done.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    await runPod('failed', { restartPolicy: 'Never', containers: [shell('exit 4')] });
    await podWhen('failed', 'has failed', ({ status }) => status?.phase === 'Failed');
  });

  it('restarts a container whose liveness probe fails', async () => {
    await runPod('unwell', {
      terminationGracePeriodSeconds: 1,
      containers: [
        shell('touch /ok; sleep 2; rm /ok; sleep 1000', {
          livenessProbe: { exec: { command: ['test', '-f', '/ok'] }, periodSeconds: 1, failureThreshold: 2 },
        }),
      ],
    });
    await podWhen('unwell', 'was restarted', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    expect(await eventsOf('unwell')).toEqual(expect.arrayContaining(['Killing: Container main failed liveness probe, will be restarted']));
  });

  it('removes a deleted pod gracefully and leaves nothing of it', async () => {
    const uid = (await podOf('web'))?.metadata.uid ?? '';
    await kubectl(['delete', 'pod', 'web', '--wait=true', '--timeout=30s']);
    expect(await podOf('web')).toBeUndefined();
    await eventually('nothing is left', async () => {
      const left = await docker.listContainers({ all: true, filters: { label: [`io.kubernetes.pod.uid=${uid}`] } });
      return left.length === 0 && !existsSync(path.join(config.dataDir, 'pods', uid));
    });
  });
});

describe('a node that only pretends', () => {
  it('shows pods that run, and ends them when they are deleted', async () => {
    const simulated = await startKubelet(
      {
        ...config,
        nodeName: 'node-2',
        certFile: path.join(folder, 'node-2.crt'),
        keyFile: path.join(folder, 'node-2.key'),
        runtime: 'simulated',
        podCidr: '10.98.2.0/24',
        kubeletPort: 0,
        dataDir: path.join(folder, 'data-2'),
      },
      silent,
    );
    try {
      await runPod('pretends', {
        nodeName: 'node-2',
        containers: [{ name: 'main', image: 'any:1', readinessProbe: { httpGet: { port: 80 } } }],
      });
      const pod = await podWhen('pretends', 'is ready', isReady);
      expect(pod.status?.podIP).toBe('10.98.2.2');
      expect((await kubectl(['get', 'node', 'node-2', '--show-labels'])).stdout).toContain('decklog.dev/runtime=simulated');
      await kubectl(['delete', 'pod', 'pretends', '--timeout=20s']);
      expect(await podOf('pretends')).toBeUndefined();
    } finally {
      await simulated.stop();
    }
  });
});
