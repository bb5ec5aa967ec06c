import { startNats, type TestServer } from '#libs/testing';
import { connectMembership, type KvMembership } from './kv-membership.js';

const until = async (holds: () => boolean): Promise<void> => {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 1_500) throw new Error('it never came to that');
    await new Promise((next) => setTimeout(next, 10));
  }
};

describe('leases in a bucket', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.stop());

  const join = (replica: string, service = 'work', agreed = '64 shards'): Promise<KvMembership> =>
    connectMembership({ url: server.url, cluster: 'test', service, replica, agreed });

  it('show all that live, of this service alone, and forget at once who leaves', async () => {
    const a = await join('a');
    const other = await join('x', 'other');
    const b = await join('b');
    expect(b.members).toEqual([a.self, b.self]);
    await until(() => a.members.length === 2);
    expect(other.members).toEqual([other.self]);
    await b.leave();
    await until(() => a.members.length === 1);
    expect(b.leased).toBe(false);
    await Promise.all([a.leave(), other.leave()]);
  });

  it('refuse one that divides the work otherwise, of which the others take no notice', async () => {
    const a = await join('a');
    await expect(join('b', 'work', '32 shards')).rejects.toThrow(`${a.self} of work is set to 64 shards, this replica to 32 shards`);
    expect(a.members).toEqual([a.self]);
    const c = await join('c');
    expect(c.members).toEqual([a.self, c.self]);
    await Promise.all([a.leave(), c.leave()]);
  });

  it('end by themselves while the server is away, and are taken up again on one that has forgotten them', async () => {
    const a = await join('a');
    const b = await join('b');
    await until(() => a.members.length === 2);
    await server.kill();
    await until(() => !a.leased && !b.leased);
    expect(a.members.length).toBe(2);
    await server.start();
    await until(() => a.leased && b.leased && a.members.length === 2 && b.members.length === 2);
    await Promise.all([a.leave(), b.leave()]);
  }, 60_000);
});
