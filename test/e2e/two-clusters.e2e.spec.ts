import { spawnSync } from 'node:child_process';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

const ECHO = 'kicbase/echo-server:1.0';
const sh = (command: string): string => spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout;

describe('two clusters on one machine', () => {
  let first: TestCluster;
  let second: TestCluster;
  const manifest = [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'echo', labels: { app: 'echo' } },
      spec: { containers: [{ name: 'echo', image: ECHO }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo' },
      spec: { type: 'NodePort', selector: { app: 'echo' }, ports: [{ port: 8080, nodePort: 32080 }] },
    },
  ];
  const apply = (cluster: TestCluster) =>
    cluster.kubectl('apply -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest }) });
  const ask = async (cluster: TestCluster): Promise<string> => {
    const { out } = await cluster.decklog(['service', 'echo', '--url']);
    return (await fetch(out.trim(), { signal: AbortSignal.timeout(3_000) })).text();
  };

  beforeAll(async () => {
    buildImage('echo', ECHO);
    [first, second] = await Promise.all([TestCluster.start(), TestCluster.start()]);
  });
  afterAll(async () => {
    await Promise.all([first?.delete().catch(() => undefined), second?.delete()]);
  });

  it('share nothing, and tell who has a node port that both want', async () => {
    await apply(first);
    await first.kubectl('wait --for=condition=Ready pod/echo --timeout=60s');
    await eventually('the first answers', async () => (await ask(first)).includes('Hostname: echo'));
    await apply(second);
    await second.kubectl('wait --for=condition=Ready pod/echo --timeout=60s');
    const events = await eventually('the second is told', async () => {
      const text = await second.kubectl('get events --field-selector reason=NodePortUnavailable');
      return text.includes('32080') && text;
    });
    expect(events).toContain('held by another cluster on this machine');
    await eventually('the second answers on its own nodes', async () => (await ask(second)).includes('Hostname: echo'));
    const ips = await Promise.all(
      [first, second].map(async (cluster) => (await cluster.get<{ status: { podIP: string } }>('pod echo')).status.podIP),
    );
    expect(new Set(ips).size).toBe(2);
  });

  it('delete removes its own alone', async () => {
    const namesOf = (): string =>
      sh(
        'nft list tables; docker network ls --format "{{.Name}}"; ip -o link; docker ps -a --format "{{.Label \\"dev.decklog.cluster\\"}}"',
      );
    const status = JSON.parse((await first.decklog(['status', '-o', 'json'])).out) as { id: string };
    expect(namesOf()).toContain(status.id);
    await first.delete();
    expect(namesOf()).not.toContain(status.id);
    expect((await ask(second)).includes('Hostname: echo')).toBe(true);
    expect(await second.kubectl('get pods')).toContain('Running');
  });
});
