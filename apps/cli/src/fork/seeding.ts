import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { batchesOf, bySeedOrder, seedOf, type LeftOut, type SeedRow } from '#libs/history';
import type { AppendWrite } from '#libs/log';
import type { Cluster, ForkOrigin, Secrets } from '../cluster.js';
import { Failure } from '../failure.js';
import { logPlaceOf } from '../nats.js';
import type { Folders } from '../profile.js';
import type { Adapters } from './adapters.js';

/** The server takes 1,000 messages a batch, and each its own share of memory. */
const BATCH = { writes: 500, bytes: 2 * 1024 * 1024 };
/** Appends on their way at once: enough that the log is never idle. */
const IN_FLIGHT = 3;

const WORDS: Readonly<Record<LeftOut, string>> = {
  remade: 'endpoints of the API server, which are made anew',
  webhook: 'webhook configurations, since nothing runs behind them here',
  aggregated: 'APIs of other servers, since they do not run here',
};

/** What became of the objects that a fork begins with. */
export interface Seeded {
  readonly objects: number;
  /** One line for each reason why some are not there. */
  readonly leftOut: readonly string[];
}

/** Appends everything a fork begins with to its log, which has to be empty. Secrets are sealed anew, with keys of the fork's own. */
export async function seedLog(
  cluster: Cluster,
  origin: ForkOrigin,
  folders: Folders,
  secrets: Secrets,
  rows: readonly SeedRow[],
  { connectKeyring, connectLog, SealedLog }: Adapters,
): Promise<Seeded> {
  const options = { cluster: cluster.id, of: origin.clusterId, now: Date.parse(origin.time), id: randomUUID };
  const writes: AppendWrite[] = [];
  const leftOut = new Map<LeftOut, number>();
  for (const row of [...rows].sort(bySeedOrder)) {
    const seed = seedOf(row, options);
    if ('write' in seed) writes.push(seed.write);
    else leftOut.set(seed.leftOut, (leftOut.get(seed.leftOut) ?? 0) + 1);
  }
  const where = logPlaceOf(cluster, secrets);
  const keyring = await connectKeyring({ ...where, master: () => readFileSync(folders.sealingKey) });
  const log = new SealedLog(await connectLog({ ...where, name: 'decklog-seed' }), keyring);
  try {
    const batches = [...batchesOf(writes, BATCH)];
    const sender = async (): Promise<void> => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        const appended = await log.append('state', batch);
        if ('moved' in appended) throw new Failure('the log of the fork is not empty', ['Delete it and fork again.']);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  } finally {
    await log.close();
  }
  return { objects: writes.length, leftOut: [...leftOut].map(([why, count]) => `${count} left out: ${WORDS[why]}`) };
}
