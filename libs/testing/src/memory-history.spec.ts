import { MemoryAudit, MemoryLog } from '#libs/simulation';
import { LogHistory } from './memory-history.js';
import { pastContract } from './past-contract.js';

pastContract('LogHistory', async (now) => {
  const [log, audit] = [new MemoryLog({ now }), new MemoryAudit()];
  return { log, audit, past: new LogHistory(log, audit), audited: async () => undefined };
});
