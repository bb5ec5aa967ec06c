import { existsSync, mkdtempSync, rmSync, truncateSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

interface Listed {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly kind: string; readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'decklog-backup-e2e-'));
const file = path.join(folder, 'whole.backup');
const keys = path.join(folder, 'keys');
const restored = new TestCluster();
let cluster: TestCluster;
/** Where the log stood in the backup. */
let position = 0;

const KINDS = 'deployments,replicasets,pods,configmaps,secrets,services,serviceaccounts,nodes';

/** Every object of some kinds, as a cluster's API server has it now or had it at a position. */
async function objects(of: TestCluster, at?: number): Promise<readonly string[]> {
  const list =
    at === undefined
      ? await of.kubectl(`get ${KINDS} -A -o json`)
      : (await of.decklog(['at', String(at), '--', 'get', KINDS, '-A', '-o', 'json'])).out;
  return (JSON.parse(list) as Listed).items.map((item) => JSON.stringify(item)).sort();
}

beforeAll(async () => {
  cluster = await TestCluster.start('--runtime', 'simulated');
  await cluster.kubectl('create deployment web --image=registry.example/web:1 --replicas=4');
  await cluster.kubectl('create secret generic password --from-literal=word=swordfish');
  await cluster.kubectl('rollout status deployment/web --timeout=60s');
});
afterAll(async () => {
  await Promise.all([cluster.delete(), restored.delete()]);
  rmSync(folder, { recursive: true });
});

describe('a cluster that is backed up while it is written to', () => {
  it('goes on, and its file says up to where it is', async () => {
    let isDone = false;
    const load = (async () => {
      let written = 0;
      for (; !isDone; written++) await cluster.kubectl(`create configmap during-${written} --from-literal=number=${written}`);
      return written;
    })();
    const { code, out, err } = await cluster.decklog(['backup', file, '--keys', keys]);
    isDone = true;
    expect([code, err]).toEqual([0, '']);
    expect(await load).toBeGreaterThan(0);
    position = Number(/up to state:(\d+)/.exec(out)?.[1]);
    expect(position).toBeGreaterThan(0);
    await cluster.kubectl('create configmap later');
    await cluster.kubectl('delete secret password');
  });

  it('is not made again over a profile that is there, nor out of a file that was cut off', async () => {
    const over = await cluster.decklog(['restore', file, '--keys', keys]);
    expect([over.code, over.err]).toEqual([2, expect.stringContaining('exists already')]);
    const cut = path.join(folder, 'cut.backup');
    copyFileSync(file, cut);
    truncateSync(cut, 5_000);
    const failed = await restored.decklog(['restore', cut, '--keys', keys]);
    expect([failed.code, failed.err]).toEqual([1, expect.stringContaining(`${cut} is no whole backup: its end is missing`)]);
    expect(existsSync(path.join(process.env['HOME'] ?? '', '.decklog', restored.profile))).toBe(false);
  });

  it('is made again beside itself, and has every object as it was then', async () => {
    const { code, out, err } = await restored.decklog(['restore', file, '--keys', keys], { timeoutMs: 180_000 });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('are what they were');
    expect(await objects(restored, position)).toEqual(await objects(cluster, position));
    await restored.kubectl(`config use-context ${restored.profile}`);
    const secret = await restored.get<{ data: { word: string } }>('secret password');
    expect(Buffer.from(secret.data.word, 'base64').toString()).toBe('swordfish');
    expect((await restored.tryKubectl('get configmap later')).code).toBe(1);
  });

  it('answers whoever knows a resourceVersion of what was lost as upstream would', async () => {
    const ask = (query: string): Promise<string> =>
      restored.tryKubectl(['get', '--raw', `/api/v1/configmaps?${query}`]).then(({ out, err }) => out + err);
    expect(await ask(`watch=true&resourceVersion=${position + 1}&timeoutSeconds=5`)).toContain('too old resource version');
    expect(await ask(`resourceVersion=${position + 1}&resourceVersionMatch=Exact`)).toMatch(/too old/);
    expect(await ask('resourceVersion=99999999')).toContain('Too large resource version');
  });

  it('works on, with resourceVersions that nobody has seen, and its history is whole', async () => {
    await restored.kubectl('scale deployment/web --replicas=6');
    await eventually('six pods that run', async () => {
      const { items } = await restored.get<Listed>('pods --field-selector=status.phase=Running');
      return items.length === 6;
    });
    const { metadata } = await restored.get<Listed['items'][0]>('deployment web');
    expect(Number(metadata.resourceVersion)).toBeGreaterThan(position + 100_000);
    const verified = await restored.decklog(['verify']);
    expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('The history is what it was')]);
    expect((await restored.decklog(['rebuild', '--check'])).code).toBe(0);
    await restored.decklog(['stop']);
    await restored.start();
    expect((await restored.get<Listed>('pods')).items).toHaveLength(6);
  });
});
