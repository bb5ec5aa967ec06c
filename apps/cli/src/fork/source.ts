import { readFileSync } from 'node:fs';

import type { Pod } from '#libs/api';
import { failingImages, isSilent, PULL_FAILURES, type SeedRow } from '#libs/history';
import { decodeObject } from '#libs/log';
import type { Node } from '#libs/api';
import type { Cluster } from '../cluster.js';
import { Failure, messageOf } from '../failure.js';
import { logPlaceOf, requireLog } from '../nats.js';
import { postgresUrlOf } from '../postgres.js';
import { runningProcess } from '../processes.js';
import { foldersOf, secretsOf } from '../profile.js';
import type { Adapters } from './adapters.js';

/** The past of a running cluster, opened for a fork. */
export interface Source {
  readonly cluster: Cluster;
  readonly seeds: InstanceType<Adapters['PostgresSeedSource']>;
  close(): Promise<void>;
}

/** How long the projection may lag behind the log before a fork gives up. */
const CATCH_UP_MS = 30_000;

/** The cluster has to run: the log and the database of it, at least. */
function requireRunning(cluster: Cluster): void {
  const { run } = foldersOf(cluster.profile);
  requireLog(cluster, { run });
  if (cluster.postgresUrl !== undefined || runningProcess(run, 'postgres') !== undefined) return;
  throw new Failure(`postgres of profile "${cluster.profile}" is not running`, [`Run \`./decklog start -p ${cluster.profile}\` first.`]);
}

/**
 * Opens the past of a cluster, which needs its profile's folder: whoever can't read that, can't fork. Resolves once the projection
 * holds everything that the log did.
 */
export async function openSource(cluster: Cluster, withoutSecrets: boolean, adapters: Adapters): Promise<Source> {
  requireRunning(cluster);
  const folders = foldersOf(cluster.profile);
  const secrets = await secretsOf(folders);
  const { connectKeyring, connectLog, connectPostgres, MIGRATIONS, PostgresHistory, PostgresSeedSource, WITHOUT_KEYS } = adapters;
  const where = logPlaceOf(cluster, secrets);
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0)) await end();
  };
  try {
    const keyring = withoutSecrets ? undefined : await connectKeyring({ ...where, master: () => readFileSync(folders.sealingKey) });
    if (keyring) closing.push(() => keyring.close());
    const opener = keyring ?? WITHOUT_KEYS;
    const database = await connectPostgres({
      url: postgresUrlOf(cluster, secrets),
      cluster: cluster.id,
      migrations: MIGRATIONS,
      poolSize: 2,
    });
    closing.push(() => database.destroy());
    const log = await connectLog({ ...where, name: 'decklog-fork' });
    const last = await log.last('state').finally(() => log.close());
    await new PostgresHistory(database, opener).reached('state', last, AbortSignal.timeout(CATCH_UP_MS));
    return { cluster, seeds: new PostgresSeedSource(database, opener), close };
  } catch (error) {
    await close().catch(() => undefined);
    if (error instanceof Failure) throw error;
    throw new Failure(
      `the past of "${cluster.profile}" can't be read: ${messageOf(error)}`,
      [`Is it running? See \`./decklog status -p ${cluster.profile}\`.`],
      1,
      {
        cause: error,
      },
    );
  }
}

/** Everything that was there at a sequence. */
export async function readObjects({ seeds }: Source, at: number): Promise<readonly SeedRow[]> {
  const rows: SeedRow[] = [];
  for await (const page of seeds.objects(at)) rows.push(...page);
  return rows;
}

/** What the simulated nodes of a fork have to be told: whose agents were gone, and which images nobody could pull. */
export interface Simulation {
  readonly silentNodes: readonly string[];
  readonly failingImages: Readonly<Record<string, string>>;
}

/** States of pods after the moment that are looked at for images that could not be pulled. */
const MOST_STATES = 2_000;

export async function simulationOf({ seeds }: Source, at: number, rows: readonly SeedRow[]): Promise<Simulation> {
  const core = (resource: string): readonly SeedRow[] => rows.filter((row) => row.group === '' && row.resource === resource);
  const silentNodes = core('nodes').filter(({ body }) => isSilent(decodeObject<Node>(body, 0)));
  const later = await seeds.podsAfter(at, PULL_FAILURES, MOST_STATES);
  const bodies = core('pods').map(({ body }) => body);
  const failed = [...bodies, ...later].filter((body) => PULL_FAILURES.some((text) => Buffer.from(body).includes(text)));
  if (failed.length === 0) return { silentNodes: silentNodes.map(({ name }) => name), failingImages: {} };
  const pods = [...bodies, ...later].map((body) => decodeObject<Pod>(body, 0));
  return { silentNodes: silentNodes.map(({ name }) => name), failingImages: Object.fromEntries(failingImages(pods)) };
}
