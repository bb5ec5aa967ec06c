import { readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

/** What a cluster answers about its past, before its log was archived and after. */
describe('a cluster whose log is archived', () => {
  let cluster: TestCluster;
  const sequences: string[] = [];
  let before: readonly string[];

  const ok = async (args: readonly string[]): Promise<string> => {
    const { code, out, err } = await cluster.decklog(args, { timeoutMs: 120_000 });
    expect(`${code} ${err}`).toBe('0 ');
    return out;
  };
  const versionOf = async (what: string): Promise<string> =>
    (await cluster.get<{ metadata: { resourceVersion: string } }>(what)).metadata.resourceVersion;
  const value = (n: number): string => JSON.stringify({ data: { value: String(n) } });
  /** What is there as of each moment; how two config maps came to be; every change of one since the first moment. */
  const past = async (): Promise<readonly string[]> => [
    ...(await Promise.all(
      sequences.map((sequence) => ok(['at', sequence, '--', 'get', 'configmaps,deployments,pods', '-A', '-o', 'yaml'])),
    )),
    await ok(['history', 'configmap/busy', '-o', 'json']),
    // The rest says how long it has been there by now.
    JSON.stringify((JSON.parse(await ok(['why', 'configmap/busy', '-o', 'json'])) as { readonly steps: unknown }).steps),
    await ok(['history', 'configmap/gone', '-o', 'json']),
    await cluster.kubectl(['get', '--raw', `/at/${sequences[0]};speed=max/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=5`]),
  ];
  const folder = (): string => path.join(homedir(), '.decklog', cluster.profile, 'archive');

  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime=simulated');
    await cluster.kubectl('create configmap busy --from-literal=value=0');
    await cluster.kubectl('create configmap gone --from-literal=value=0');
    await cluster.kubectl('create deployment web --image=web --replicas=3');
    sequences.push(await versionOf('configmap gone'));
    for (let i = 1; i <= 5; i++) await cluster.kubectl(['patch', 'configmap', 'busy', '-p', value(i)]);
    await cluster.kubectl('rollout status deployment web --timeout=60s');
    sequences.push(await versionOf('configmap busy'));
    await cluster.kubectl('delete configmap gone');
    await cluster.kubectl('scale deployment web --replicas=1');
    // Those that are on their way out would be waited for as well, and are gone by then.
    await eventually('one pod is left', async () => {
      const { items } = await cluster.get<{ items: readonly { status: { phase: string } }[] }>('pods -l app=web');
      return items.length === 1 && items[0]?.status.phase === 'Running';
    });
    await cluster.kubectl('create configmap end');
    before = await past();
  });
  afterAll(() => cluster?.delete());

  it('shows first what would go, and asks', async () => {
    const shown = await ok(['archive', '--before', 'now', '--dry-run']);
    expect(shown).toMatch(/KIND +MESSAGES +SIZE\n(.*\n)*configmaps +7 /);
    expect(shown).toMatch(/of them deleted before and archived whole/);
    const { code, err } = await cluster.decklog(['archive', '--before', 'now']);
    expect([code, err]).toEqual([2, 'decklog: nobody is there to be asked\n  Say --yes, or --dry-run to only look.\n']);
  });

  it('answers of every moment as it did, and replays what followed', async () => {
    expect(await ok(['archive', '--before', 'now', '--yes'])).toMatch(
      /read back, compared with the log, then removed from it: \d+ messages/,
    );
    expect(await past()).toEqual(before);
    expect(await ok(['archive', '--before', sequences[1] ?? '', '--yes'])).toContain('there is nothing to archive');
  });

  it('is rebuilt from log and archive as it was', async () => {
    expect(await ok(['rebuild', '--check'])).toContain('the same rows in the same order');
    await ok(['rebuild']);
    expect(await past()).toEqual(before);
  });

  it('decides again as it did', async () => {
    expect((await cluster.decklog(['replay', '--verify'], { timeoutMs: 120_000 })).code).toBe(0);
  });

  it('gives a name again whose end is in the archive, now and after a restart', async () => {
    await cluster.kubectl('create configmap gone');
    await cluster.kubectl('delete configmap gone');
    await cluster.kubectl('create configmap later');
    await ok(['archive', '--before', 'now', '--yes']);
    expect(readdirSync(folder())).toHaveLength(3);
    await ok(['stop']);
    await cluster.start();
    await cluster.kubectl('create configmap gone');
    const after = await past();
    expect(after.slice(0, 4)).toEqual(before.slice(0, 4));
    expect(after[4]).toContain('"type": "Deleted"');
    expect(after[5]?.startsWith(before[5] ?? '')).toBe(true);
  });

  it('says what is wrong with an archive that is damaged or not there', async () => {
    renameSync(folder(), `${folder()}-away`);
    const gone = await cluster.decklog(['rebuild', '--check']);
    expect([gone.code, gone.err]).toEqual([1, expect.stringMatching(/it is not the whole archive of this cluster[^]*--archive/)]);
    expect(await ok(['rebuild', '--check', '--archive', `${folder()}-away`])).toContain('the same rows');
    rmSync(folder(), { recursive: true, force: true });
    renameSync(`${folder()}-away`, folder());
    const [file = ''] = readdirSync(folder()).filter((name) => name.endsWith('.br'));
    truncateSync(path.join(folder(), file), 1_000);
    const damaged = await cluster.decklog(['rebuild', '--check']);
    expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining(file)]);
  });
});
