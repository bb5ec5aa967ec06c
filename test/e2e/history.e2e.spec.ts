import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

const manifest = (kind: string, name: string, more: object = {}, apiVersion = 'v1'): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'shop' }, ...more });
const web = manifest(
  'Deployment',
  'web',
  {
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'web:1' }] } },
    },
  },
  'apps/v1',
);
const SHOP: Readonly<Record<string, string>> = {
  'deployment.json': web,
  'namespace.json': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }),
  'config.json': manifest('ConfigMap', 'conf', { data: { a: '1' } }),
  'secret.json': manifest('Secret', 'pw', { stringData: { a: 'open sesame' } }),
  'service.json': manifest('Service', 'web', { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }),
  'claim.json': manifest('PersistentVolumeClaim', 'data', {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }),
};

/** What the commands that change something because of what was do, and what a start does where the past is not what it was. */
describe('the past of a cluster, taken back, forked and verified', () => {
  let cluster: TestCluster;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-manifests-'));
  const own = (...parts: string[]): string => path.join(homedir(), '.decklog', cluster.profile, ...parts);

  const ok = async (args: readonly string[]): Promise<string> => {
    const { code, out, err } = await cluster.decklog(args, { timeoutMs: 120_000 });
    expect({ code, err: err.replace(/^\*.*\n/gm, '').replace(/^ {4}- .*\n/gm, '') }).toEqual({ code: 0, err: '' });
    return out;
  };
  const replicas = async (): Promise<number | undefined> =>
    (await cluster.get<{ spec: { replicas: number } }>('deployment web -n shop')).spec.replicas;
  const running = (count: number): Promise<true> =>
    eventually('the pods run', async () => {
      const { items } = await cluster.get<{ items: readonly { status: { phase: string } }[] }>('pods -n shop -l app=web');
      return items.filter(({ status }) => status.phase === 'Running').length === count;
    });
  /** The sequence of the newest event of a deployment that somebody asked for. */
  const lastAsked = async (): Promise<string> => {
    const list = JSON.parse(await ok(['history', 'deploy/web', '-n', 'shop', '--fields', 'spec', '-o', 'json'])) as {
      items: readonly { sequence: number; type: string }[];
    };
    return String(list.items.find(({ type }) => type === 'Updated')?.sequence);
  };

  beforeAll(async () => {
    for (const [name, text] of Object.entries(SHOP)) writeFileSync(path.join(folder, name), text);
    cluster = await TestCluster.start('--runtime=simulated');
  });
  afterAll(async () => {
    await cluster?.delete();
    rmSync(folder, { recursive: true, force: true });
  });

  it('applies manifests as one: one that is wrong, and there are none', async () => {
    writeFileSync(path.join(folder, 'wrong.json'), manifest('ConfigMap', 'NOT_A_NAME'));
    const refused = await cluster.decklog(['apply', '--atomic', '-f', folder]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /^decklog: operations\[\d\] \(ConfigMap shop\/NOT_A_NAME\): ConfigMap "NOT_A_NAME" is invalid: metadata\.name: /,
    );
    expect(await cluster.kubectl('get namespaces')).not.toContain('shop');
    rmSync(path.join(folder, 'wrong.json'));
    expect(await ok(['apply', '--atomic', '-f', folder])).toMatch(
      /^namespace\/shop created\n(.*\n)*deployment\.apps\/web created\nAs one, \d+: /,
    );
    await running(2);
  });

  it('takes back what an event changed, but not what was changed again since', async () => {
    await cluster.kubectl('scale deployment web -n shop --replicas=5');
    const scaled = await lastAsked();
    const asked = await cluster.decklog(['undo', scaled, '-n', 'shop']);
    expect([asked.code, asked.err]).toEqual([2, 'decklog: nobody is there to be asked\n  Say --yes, or --dry-run to only look.\n']);
    await ok(['undo', scaled, '-n', 'shop', '--yes']);
    expect(await replicas()).toBe(2);
    await cluster.kubectl('scale deployment web -n shop --replicas=7');
    const conflict = await cluster.decklog(['undo', scaled, '-n', 'shop', '--yes']);
    expect([conflict.code, conflict.out]).toEqual([1, expect.stringContaining('spec.replicas was changed again since')]);
    expect(await replicas()).toBe(7);
    await ok(['undo', 'deploy/web', '-n', 'shop', '--to', scaled, '--yes']);
    expect(await replicas()).toBe(5);
    await ok(['undo', scaled, '-n', 'shop', '--yes', '--force']);
    expect(await replicas()).toBe(2);
  });

  it('brings a namespace back with all that it held, and it runs', async () => {
    const pod = { spec: { containers: [{ name: 'c', image: 'bare:1' }] } };
    await cluster.kubectl('apply -f -', { input: manifest('Pod', 'bare', pod) });
    await cluster.kubectl('wait pod bare -n shop --for=jsonpath={.status.phase}=Running --timeout=60s');
    await cluster.kubectl('delete namespace shop --wait=true --timeout=60s', { timeoutMs: 90_000 });
    expect(await ok(['why', 'deploy/web', '-n', 'shop'])).toContain('because kubernetes-admin deleted Namespace shop');
    const plan = await ok(['restore', 'ns/shop', '--tree', '--yes']);
    for (const name of [
      'namespace/shop',
      'secret/pw',
      'configmap/conf',
      'service/web',
      'deployment/web',
      'pod/bare',
      'persistentvolumeclaim/data',
    ])
      expect(plan).toContain(`+ create ${name}`);
    expect(plan).not.toContain('open sesame');
    await running(2);
    const { data } = await cluster.get<{ data: { a: string } }>('secret pw -n shop');
    expect(Buffer.from(data.a, 'base64').toString()).toBe('open sesame');
    await cluster.kubectl('wait pod bare -n shop --for=jsonpath={.status.phase}=Running --timeout=60s');
  });

  it('forks itself without what somebody did, and says how that would have been otherwise', async () => {
    await cluster.kubectl('scale deployment web -n shop --replicas=0');
    const root = await lastAsked();
    await cluster.kubectl('label deployment web -n shop since=then');
    const fork = `${cluster.profile}-f`;
    try {
      const { code, out, err } = await cluster.decklog(['fork', fork, '--exclude-root', root], { timeoutMs: 120_000 });
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain(fork);
      const there = await eventually('the fork converges', async () => {
        const listed = await cluster.run('./decklog', [
          'kubectl',
          '-p',
          fork,
          '--',
          'get',
          'deployment',
          'web',
          '-n',
          'shop',
          '-o',
          'json',
        ]);
        const { metadata, status } = JSON.parse(listed.out) as { metadata: { labels?: object }; status: { readyReplicas?: number } };
        return status.readyReplicas === 2 && metadata.labels;
      });
      expect(there).toMatchObject({ since: 'then' });
      expect(await replicas()).toBe(0);
      const compared = await cluster.run('./decklog', ['compare', fork, '-n', 'shop']);
      expect([compared.code, compared.err, compared.out]).toEqual([0, '', expect.stringContaining('spec.replicas: 0 -> 2')]);
      expect(statSync(path.join(homedir(), '.decklog', fork)).mode & 0o777).toBe(0o700);
    } finally {
      await cluster.run('./decklog', ['delete', '-p', fork], { timeoutMs: 120_000 });
    }
  });

  it('verifies that the past is what it was', async () => {
    await eventually('a checkpoint is signed', async () => readFileSync(own('checkpoints.ndjson'), 'utf8').includes('"number":1,'));
    expect(await ok(['verify'])).toMatch(/The history is what it was: \d+ events/);
  });

  it('does not serve a past in which one byte was altered, and says which event that was', async () => {
    await cluster.kubectl(['create', 'configmap', 'marked', '--from-literal=k=a-word-that-stands-once']);
    const { sequence } = (JSON.parse(await ok(['history', 'configmap/marked', '-o', 'json'])) as { items: readonly { sequence: number }[] })
      .items[0] as { sequence: number };
    await ok(['stop']);
    const good = mkdtempSync(path.join(tmpdir(), 'decklog-nats-copy-'));
    cpSync(own('nats'), good, { recursive: true });
    alter(own('nats'), 'a-word-that-stands-once');
    const started = await cluster.decklog(['start'], { timeoutMs: 120_000 });
    expect([started.code, started.err]).toEqual([1, expect.stringContaining(`state:${sequence}`)]);
    const verified = await cluster.decklog(['verify'], { timeoutMs: 120_000 });
    expect([verified.code, verified.out]).toEqual([
      1,
      expect.stringMatching(new RegExp(`state:${sequence} .*configmaps default/marked by kubernetes-admin`)),
    ]);
    rmSync(own('nats'), { recursive: true });
    cpSync(good, own('nats'), { recursive: true });
    expect(await ok(['verify'])).toContain('The history is what it was');
    await cluster.start();
    await cluster.kubectl('create configmap later');
    await ok(['stop']);
    // An old copy put back: what came after it is gone.
    rmSync(own('nats'), { recursive: true });
    cpSync(good, own('nats'), { recursive: true });
    rmSync(good, { recursive: true });
    const rolledBack = await cluster.decklog(['start'], { timeoutMs: 120_000 });
    expect([rolledBack.code, rolledBack.err]).toEqual([1, expect.stringContaining('the log was rolled back')]);
    await ok(['rebuild']);
    expect(await ok(['verify', '--accept', 'the copy is all there is', '--yes'])).toContain('Accepted with checkpoint');
    await cluster.start();
    expect(await cluster.kubectl('get configmaps')).not.toContain('later');
  });
});

/** Changes one byte of a word in the file that holds the stream of objects. */
function alter(nats: string, word: string): void {
  const files = readdirSync(nats, { recursive: true, encoding: 'utf8' }).filter((name) => /_state\/msgs\/\d+\.blk$/.test(name));
  const altered = files.filter((name) => {
    const file = path.join(nats, name);
    const bytes = readFileSync(file);
    const at = bytes.indexOf(word);
    if (at < 0) return false;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    return true;
  });
  expect(altered).toHaveLength(1);
}
