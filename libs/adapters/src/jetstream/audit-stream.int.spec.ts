import { auditContract, auditEntry, startNats, type TestServer } from '#libs/testing';
import { connectAudit } from './audit-stream.js';

describe('the audit stream on a real server', () => {
  let server: TestServer;
  let made = 0;
  beforeAll(async () => {
    server = await startNats();
  }, 30_000);
  afterAll(() => server.stop());

  auditContract('JetStream', () => connectAudit({ url: server.url, cluster: `c${made++}` }));

  it('forgets the oldest beyond its size, and takes new limits where there is one already', async () => {
    const small = await connectAudit({ url: server.url, cluster: 'small', maxBytes: 20_000 });
    for (let i = 0; i < 100; i++) await small.append([auditEntry({ id: String(i), agent: 'x'.repeat(500) })]);
    const kept = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { entries } of small.read()) ids.push(...entries.map(({ id }) => id));
      return ids;
    };
    const before = await kept();
    expect(before.length).toBeLessThan(60);
    expect(before.at(-1)).toBe('99');
    await (await connectAudit({ url: server.url, cluster: 'small', maxBytes: 10_000 })).close();
    expect((await kept()).length).toBeLessThan(before.length);
    await small.close();
  });

  it('that is not there is not made by whoever only reads', async () => {
    const reader = await connectAudit({ url: server.url, cluster: 'none', readOnly: true });
    await expect(reader.append([auditEntry()])).rejects.toThrow();
    await reader.close();
  });
});
