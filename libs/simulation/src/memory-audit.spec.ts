import { auditContract, auditEntry } from '#libs/testing';
import { MemoryAudit } from './memory-audit.js';

auditContract('MemoryAudit', async () => new MemoryAudit());

describe('the audit stream in memory', () => {
  it('forgets the oldest beyond its limit', async () => {
    const stream = new MemoryAudit({ maxBatches: 2 });
    for (const id of ['1', '2', '3']) await stream.append([auditEntry({ id })]);
    expect(stream.entries.map(({ id }) => id)).toEqual(['2', '3']);
  });
});
