import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { homedir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(300_000);

const SHELL = 'decklog-test/shell:1';
const BURST_CLIENTS = 16;
const ACKNOWLEDGED = 1_000;

interface Pod {
  metadata: { name: string; uid: string };
  spec: { nodeName: string };
  status: { containerStatuses: { restartCount: number; containerID: string }[] };
}

const docker = (...args: string[]): string => spawnSync('docker', args, { encoding: 'utf8' }).stdout.trim();
const alive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

describe('when things die', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    buildImage('shell', SHELL);
    cluster = await TestCluster.start('--nodes=2');
    await cluster.kubectl(
      `create deployment web --image=${SHELL} --replicas=2 -- sh -c`.split(' ').concat(['trap exit TERM; while true; do sleep 0.2; done']),
    );
    await cluster.kubectl('rollout status deployment/web --timeout=90s');
  });
  afterAll(() => cluster?.delete());

  const pods = async (): Promise<readonly Pod[]> => (await cluster.get<{ items: Pod[] }>('pods -l app=web')).items;
  const containerOf = (pod: Pod): string => (pod.status.containerStatuses[0]?.containerID ?? '').replace('docker://', '');

  it('restarts a container that was killed, and counts it', async () => {
    const [pod] = await pods();
    expect(pod).toBeDefined();
    docker('kill', containerOf(pod!));
    const restarted = await eventually('the container is back', async () => {
      const now = (await pods()).find(({ metadata }) => metadata.uid === pod!.metadata.uid);
      return now?.status.containerStatuses[0]?.restartCount === 1 && containerOf(now) !== containerOf(pod!) && now;
    });
    expect(restarted.metadata.name).toBe(pod!.metadata.name);
    await cluster.kubectl('rollout status deployment/web --timeout=60s');
  });

  it('replaces a pod that was deleted', async () => {
    const [before] = await pods();
    await cluster.kubectl(['delete', 'pod', before!.metadata.name, '--timeout=60s']);
    await eventually('two other pods', async () => {
      const now = await pods();
      return now.length === 2 && now.every(({ metadata }) => metadata.uid !== before!.metadata.uid);
    });
    await cluster.kubectl('rollout status deployment/web --timeout=60s');
  });

  it('loses nothing acknowledged when every process is killed in a burst of creates', async () => {
    const before = await pods();
    const config = await cluster.get<never>('pods').then(() => cluster.kubectl('config view --raw -o json'));
    const { clusters, users } = JSON.parse(config) as {
      clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
      users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
    };
    const decode = (text = ''): Buffer => Buffer.from(text, 'base64');
    const agent = new https.Agent({
      keepAlive: true,
      maxSockets: BURST_CLIENTS,
      ca: decode(clusters[0]?.cluster['certificate-authority-data']),
      cert: decode(users[0]?.user['client-certificate-data']),
      key: decode(users[0]?.user['client-key-data']),
    });
    const acknowledged = new Map<string, { readonly data: string; readonly resourceVersion: string }>();
    const create = (name: string, data: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const request = https.request(
          `${clusters[0]?.cluster.server}/api/v1/namespaces/default/configmaps`,
          { method: 'POST', agent, headers: { 'content-type': 'application/json' }, timeout: 10_000 },
          (response) => {
            let text = '';
            response.on('data', (piece: Buffer) => (text += piece.toString()));
            response.on('error', reject);
            response.on('end', () => {
              if (response.statusCode !== 201) return resolve();
              const { metadata } = JSON.parse(text) as { metadata: { resourceVersion: string } };
              acknowledged.set(name, { data, resourceVersion: metadata.resourceVersion });
              resolve();
            });
          },
        );
        request.on('error', reject);
        request.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: data } }));
      });
    let stop = false;
    const clients = Array.from({ length: BURST_CLIENTS }, async (_, client) => {
      for (let at = 0; !stop; at++) {
        try {
          await create(`burst-${client}-${at}`, `value ${client} ${at} ${'x'.repeat(500)}`);
        } catch {
          return;
        }
      }
    });
    await eventually('a thousand are acknowledged', async () => acknowledged.size >= ACKNOWLEDGED);
    const components = await cluster.components();
    for (const { pid } of components) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        continue;
      }
    }
    stop = true;
    await Promise.all(clients);
    agent.destroy();
    await eventually('all are dead', async () => components.every(({ pid }) => !alive(pid)));

    await cluster.start('--nodes=2');
    const listed = await cluster.get<{ items: { metadata: { name: string; resourceVersion: string }; data: { value: string } }[] }>(
      'configmaps',
    );
    const found = new Map(
      listed.items.map(({ metadata, data }) => [metadata.name, { data: data.value, resourceVersion: metadata.resourceVersion }]),
    );
    const missing = [...acknowledged].filter(([name, wanted]) => {
      const got = found.get(name);
      return got?.data !== wanted.data || got.resourceVersion !== wanted.resourceVersion;
    });
    expect(missing).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(ACKNOWLEDGED);

    await cluster.kubectl('rollout status deployment/web --timeout=60s');
    const ids = (list: readonly Pod[]) =>
      list.map((pod) => [pod.metadata.uid, containerOf(pod), pod.status.containerStatuses[0]?.restartCount]).sort();
    expect(ids(await pods())).toEqual(ids(before));
  });

  it('rebuilds the projection to the same rows, and finds a row that was altered', async () => {
    expect(await cluster.decklog(['rebuild', '--check'], { timeoutMs: 120_000 })).toMatchObject({ code: 0 });
    const { id } = JSON.parse((await cluster.decklog(['status', '-o', 'json'])).out) as { id: string };
    const plane = (await cluster.components()).find(({ name }) => name === 'control-plane');
    const url = /POSTGRES_URL=([^\0]+)/.exec(readFileSync(`/proc/${plane!.pid}/environ`, 'utf8'))?.[1];
    const database = new Client({ connectionString: url! });
    database.on('error', () => undefined);
    await database.connect();
    const altered = await database.query(
      `update "decklog_${id}".object set body = replace(body, 'value 0 0', 'value 0 1') where name = 'burst-0-0'`,
    );
    await database.end();
    expect(altered.rowCount).toBe(1);
    const { code, out, err } = await cluster.decklog(['rebuild', '--check'], { timeoutMs: 120_000 });
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain('burst-0-0');
    expect(await cluster.decklog(['rebuild'], { timeoutMs: 120_000 })).toMatchObject({ code: 0 });
    expect(await cluster.decklog(['rebuild', '--check'], { timeoutMs: 120_000 })).toMatchObject({ code: 0 });
  });

  it('moves the pods of a node whose agent is gone', async () => {
    const manifest = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'mover' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'mover' } },
        template: {
          metadata: { labels: { app: 'mover' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            tolerations: ['not-ready', 'unreachable'].map((key) => ({
              key: `node.kubernetes.io/${key}`,
              operator: 'Exists',
              effect: 'NoExecute',
              tolerationSeconds: 2,
            })),
            containers: [{ name: 'main', image: SHELL, command: ['sh', '-c', 'trap exit TERM; while true; do sleep 0.2; done'] }],
          },
        },
      },
    };
    await cluster.kubectl('apply -f -', { input: JSON.stringify(manifest) });
    await cluster.kubectl('rollout status deployment/mover --timeout=60s');
    const placed = (await cluster.get<{ items: Pod[] }>('pods -l app=mover')).items;
    const lost = placed[0]!.spec.nodeName;
    const agent = (await cluster.components()).find(({ name }) => name === lost || lost.endsWith(name));
    expect(agent).toBeDefined();
    process.kill(agent!.pid, 'SIGKILL');
    await eventually(
      'the node is NotReady',
      async () => new RegExp(`${lost}\\s+NotReady`).test(await cluster.kubectl('get nodes')),
      90_000,
    );
    await eventually(
      'both replicas run on the other node',
      async () => {
        const now = (
          await cluster.get<{ items: (Pod & { metadata: { deletionTimestamp?: string }; status: { phase: string } })[] }>(
            'pods -l app=mover',
          )
        ).items;
        const live = now.filter(({ metadata, status }) => !metadata.deletionTimestamp && status.phase === 'Running');
        return live.length === 2 && live.every(({ spec }) => spec.nodeName !== lost);
      },
      90_000,
    );
    await cluster.start('--nodes=2');
    await eventually('the node is back', async () => new RegExp(`${lost}\\s+Ready`).test(await cluster.kubectl('get nodes')), 60_000);
    await eventually(
      'what was evicted is gone',
      async () => (await cluster.kubectl('get pods -l app=mover -o name')).trim().split('\n').length === 2,
      90_000,
    );
  });

  it('stops, and starts again as it was', async () => {
    await cluster.kubectl('create configmap kept --from-literal=a=b');
    const uid = (await cluster.get<{ metadata: { uid: string } }>('configmap kept')).metadata.uid;
    expect(await cluster.decklog(['stop'], { timeoutMs: 90_000 })).toMatchObject({ code: 0 });
    const { id } = JSON.parse(readFileSync(path.join(homedir(), '.decklog', cluster.profile, 'cluster.json'), 'utf8')) as { id: string };
    expect(docker('ps', '-q', '--filter', `label=dev.decklog.cluster=${id}`)).toBe('');
    await cluster.start('--nodes=2');
    expect((await cluster.get<{ metadata: { uid: string } }>('configmap kept')).metadata.uid).toBe(uid);
    await cluster.kubectl('rollout status deployment/web --timeout=90s');
  });
});
