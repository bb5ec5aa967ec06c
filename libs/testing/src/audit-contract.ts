import type { AuditBatch, AuditEntry, AuditReadOptions, AuditStream } from '#libs/log';

/** An entry for a test. */
export const auditEntry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  kind: 'secret',
  time: Date.now(),
  id: 'a1',
  user: 'jane',
  groups: ['dev', 'system:authenticated'],
  source: '10.0.0.1',
  agent: 'kubectl/v1.36.0',
  verb: 'get',
  group: '',
  resource: 'secrets',
  namespace: 'default',
  name: 'db',
  code: 200,
  latencyMs: 3,
  ...more,
});

/** One specification of the audit stream, run against every implementation. `make` gives a new, empty one each time. */
export function auditContract(name: string, make: () => Promise<AuditStream>): void {
  describe(`${name} as an audit stream`, () => {
    let stream: AuditStream;
    beforeEach(async () => {
      stream = await make();
    });
    afterEach(() => stream.close());

    const all = async (options?: AuditReadOptions): Promise<AuditBatch[]> => {
      const batches: AuditBatch[] = [];
      for await (const batch of stream.read(options)) batches.push(batch);
      return batches;
    };

    it('is empty at first, and gives back what was stored, in order', async () => {
      expect(await all()).toEqual([]);
      const [one, two, three] = [auditEntry({ id: '1' }), auditEntry({ id: '2', name: 'ä "quoted"' }), auditEntry({ id: '3', count: 7 })];
      await stream.append([one, two]);
      await stream.append([]);
      await stream.append([three]);
      expect(await all()).toEqual([
        { sequence: 1, entries: [one, two] },
        { sequence: 2, entries: [three] },
      ]);
    });

    it('gives back more than a reader is given at once', async () => {
      for (let i = 0; i < 150; i++) await stream.append([auditEntry({ id: String(i) })]);
      expect((await all()).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    });

    it('is read from a moment on', async () => {
      await stream.append([auditEntry({ id: 'now' })]);
      expect(await all({ since: Date.now() + 60_000 })).toEqual([]);
      expect((await all({ since: Date.now() - 60_000 })).flatMap(({ entries }) => entries.map(({ id }) => id))).toEqual(['now']);
    });

    it('is read on after a batch, and says what it holds', async () => {
      expect((await stream.bounds()).last).toBe(0);
      for (const id of ['1', '2', '3']) await stream.append([auditEntry({ id })]);
      expect((await all({ after: 1 })).map(({ sequence }) => sequence)).toEqual([2, 3]);
      expect(await all({ after: 3 })).toEqual([]);
      expect(await stream.bounds()).toEqual({ first: 1, last: 3 });
    });

    it('is followed until the reader has had enough', async () => {
      const stop = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { entries } of stream.read({ follow: true, signal: stop.signal })) {
          seen.push(...entries.map(({ id }) => id));
          if (seen.length === 1) await stream.append([auditEntry({ id: 'second' })]);
          if (seen.length === 2) stop.abort();
        }
      })();
      await stream.append([auditEntry({ id: 'first' })]);
      await reading;
      expect(seen).toEqual(['first', 'second']);
    });
  });
}
