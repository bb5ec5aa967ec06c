import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { TestCluster, type Ran } from '../cluster.js';

jest.setTimeout(120_000);

const WORDS = ['first-hidden-word', 'second-hidden-word'] as const;
const HIDDEN = [...WORDS, ...WORDS.map((word) => Buffer.from(word).toString('base64'))];
const API = '/apis/history.decklog.dev/v1';

/** What a user who may look at one namespace, but not at its Secrets, gets to see of the past: by every way there is. */
describe('the past, for who may not read Secrets', () => {
  let cluster: TestCluster;
  let kubeconfig: string;
  let server: string;
  let moment: string;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-rights-'));

  const asViewer = (args: readonly string[]): Promise<Ran> =>
    cluster.decklog([args[0] ?? '', '--kubeconfig', kubeconfig, ...args.slice(1)], { timeoutMs: 60_000 });
  const kubectlAsViewer = (args: readonly string[]): Promise<Ran> => cluster.tryKubectl(['--kubeconfig', kubeconfig, ...args]);
  const hidden = ({ out, err }: Ran): readonly string[] => HIDDEN.filter((word) => `${out}${err}`.includes(word));

  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime=simulated');
    for (const namespace of ['shop', 'vault']) {
      await cluster.kubectl(`create namespace ${namespace}`);
      await cluster.kubectl(`create configmap plain-${namespace} -n ${namespace} --from-literal=k=plain`);
      await cluster.kubectl(`create secret generic pw -n ${namespace} --from-literal=k=${WORDS[0]}`);
      const data = { k: Buffer.from(WORDS[1]).toString('base64') };
      await cluster.kubectl(['patch', 'secret', 'pw', '-n', namespace, '-p', JSON.stringify({ data })]);
    }
    moment = (await cluster.get<{ metadata: { resourceVersion: string } }>('secret pw -n vault')).metadata.resourceVersion;
    await cluster.kubectl('delete secret pw -n shop');
    await cluster.kubectl('create serviceaccount viewer -n shop');
    await cluster.kubectl('create rolebinding viewer -n shop --clusterrole=view --serviceaccount=shop:viewer');
    const token = (await cluster.kubectl('create token viewer -n shop')).trim();
    const config = JSON.parse(await cluster.kubectl('config view --raw --minify -o json')) as {
      clusters: readonly { cluster: { server: string } }[];
      users: readonly { name: string }[];
    };
    server = config.clusters[0]?.cluster.server ?? '';
    kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: config.users[0]?.name, user: { token } }] }), { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster?.delete();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is not empty for who may', async () => {
    const ran = await cluster.decklog(['at', moment, '--', 'get', 'secret', 'pw', '-n', 'shop', '-o', 'yaml']);
    expect([ran.code, hidden(ran)]).toEqual([0, [HIDDEN[3]]]);
    expect((await asViewer(['at', moment, '--', 'get', 'configmap', 'plain-shop', '-n', 'shop', '-o', 'name'])).out).toBe(
      'configmap/plain-shop\n',
    );
    expect((await asViewer(['history', 'configmap/plain-shop', '-n', 'shop', '-o', 'json'])).out).toContain('"name": "plain-shop"');
  });

  it.each([
    [['get', 'secrets', '-n', 'shop']],
    [['get', 'secret', 'pw', '-n', 'shop', '-o', 'yaml']],
    [['get', 'secrets', '-n', 'shop', '-w']],
    [['get', 'secrets', '-A']],
    [['get', 'configmaps', '-n', 'vault']],
    [['get', '--raw', '/api/v1/namespaces/shop/secrets']],
  ])('%j of then is refused, with any client', async (args) => {
    const asked = args[1] === '--raw' ? ['get', '--raw', `/at/${moment}${args[2] ?? ''}`] : ['--server', `${server}/at/${moment}`, ...args];
    const ran = await kubectlAsViewer(asked);
    expect([ran.code, ran.err, hidden(ran)]).toEqual([1, expect.stringMatching(/\(Forbidden\)|is forbidden/), []]);
  });

  it.each([
    [['history', 'secret/pw', '-n', 'shop', '-o', 'json']],
    [['history', 'secret/pw', '-n', 'vault', '-o', 'yaml']],
    [['why', 'secret/pw', '-n', 'shop']],
    [['why', 'secret/pw', '-n', 'vault', '-o', 'json']],
    [['diff', 'secret/pw', '-n', 'shop', '--from', '1']],
    [['diff', '-n', 'shop', '--from', '1', '-o', 'json']],
    [['diff', '-A', '--from', '1']],
    [['undo', 'secret/pw', '-n', 'shop', '--to', '1h', '--dry-run']],
    [['restore', 'secret/pw', '-n', 'shop', '--dry-run', '-o', 'json']],
    [['replay', '--from', '1h', '--speed', 'max', '-o', 'ndjson', '-A']],
  ])('%j says nothing of what is in a Secret', async (args) => {
    expect(hidden(await asViewer(args))).toEqual([]);
  });

  it.each([
    ['revisions in shop', ['get', 'revisions', '-n', 'shop', '-o', 'json']],
    ['revisions everywhere', ['get', 'revisions', '-A', '-o', 'json']],
    ['causes', ['get', 'causes', '-n', 'shop', '-o', 'json']],
    ['activities in shop', ['get', 'activities', '-n', 'shop', '-o', 'json']],
    ['activities everywhere', ['get', 'activities', '-A', '-o', 'json']],
    ['activities in vault', ['get', 'activities', '-n', 'vault', '-o', 'yaml']],
  ])('kubectl finds nothing of it in %s', async (_, args) => {
    const ran = await kubectlAsViewer(args);
    expect([hidden(ran), ran.out.includes('plain-vault')]).toEqual([[], false]);
  });

  it.each([
    ['text', []],
    ['ndjson', ['-o', 'ndjson']],
    ['audit', ['-o', 'audit']],
    ['json', ['-o', 'json']],
  ])('the audit trail as %s has neither Secrets nor another namespace', async (_, more) => {
    const ran = await asViewer(['activity', '-A', ...more]);
    expect([hidden(ran), ran.out.includes('vault')]).toEqual([[], false]);
    const own = await asViewer(['activity', '-n', 'shop', ...more]);
    expect([own.code, own.out.includes('plain-shop'), hidden(own)]).toEqual([0, true, []]);
  });

  it.each([
    ['a create', 'create', { object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'shop' } } }],
    ['a patch', 'patch', { namespace: 'vault', name: 'pw', patchType: 'application/merge-patch+json', patch: { data: {} } }],
    ['a delete', 'delete', { namespace: 'vault', name: 'pw' }],
  ])('%s in a transaction needs the right to it, and shows nothing', async (_, verb, more) => {
    const about = 'object' in more ? {} : { apiVersion: 'v1', kind: 'Secret' };
    const input = JSON.stringify({ apiVersion: 'history.decklog.dev/v1', kind: 'Transaction', operations: [{ verb, ...about, ...more }] });
    const ran = await cluster.tryKubectl(['--kubeconfig', kubeconfig, 'create', '--raw', `${API}/transactions`, '-f', '-'], { input });
    expect([ran.code, ran.err, hidden(ran)]).toEqual([1, expect.stringContaining(`cannot ${verb} resource "secrets"`), []]);
  });

  it('is in a folder that only its owner enters', () => {
    expect(statSync(path.join(homedir(), '.decklog', cluster.profile)).mode & 0o777).toBe(0o700);
  });
});
