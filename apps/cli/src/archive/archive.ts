import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';

import type { Archivist, ArchiveStep, PostgresHistory } from '#libs/adapters';
import { instantOf, type ArchiveManifest, type ArchivePlan, type Moment } from '#libs/history';
import type { Cluster, Secrets } from '../cluster.js';
import { loadAdapters, type Adapters } from '../fork/adapters.js';
import { Failure, messageOf } from '../failure.js';
import { withLock } from '../lock.js';
import { archiverUrlOf, requireLog } from '../nats.js';
import { postgresUrlOf } from '../postgres.js';
import { runningProcess } from '../processes.js';
import { requireCluster, saveCluster, secretsOf, type Folders } from '../profile.js';
import type { Say, Terminal } from '../terminal.js';
import { confirmed } from '../confirm.js';
import { archiveFolderOf } from './folder.js';
import { planText, sizeText } from './text.js';

/** What is to be archived, and how much is asked first. */
export interface ArchiveOptions {
  readonly before: Moment;
  /** Absent: where it was archived to so far. */
  readonly to?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** A log of someone else's, with the credentials of its archiver. */
  readonly natsUrl?: string;
}

const LOCK_WAIT_MS = 1_000;
const SAY_EVERY_MS = 10_000;
const STEPS: Readonly<Record<ArchiveStep, string>> = {
  planned: 'written',
  written: 'compared with the log',
  verified: 'compared with the log',
  listed: 'removed',
  marked: 'removed',
  removing: 'removed',
  removed: 'removed',
};

/** Moves what is superseded to an archive while the cluster runs, after showing what would go. */
export async function archiveLog(
  cluster: Cluster,
  folders: Folders,
  options: ArchiveOptions,
  terminal: Terminal,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  requireServers(cluster, folders);
  const folder = options.to === undefined ? archiveFolderOf(cluster, folders) : resolve(options.to);
  const url = options.natsUrl ?? archiverUrlOf(cluster, await secretsOf(folders));
  if (url === undefined) {
    throw new Failure('the log is on a server of your own: archiving needs a user of it that may delete messages of `state`', [
      'Give its URL with --nats-url; docs/architecture.md has the permissions.',
    ]);
  }
  const adapters = await loadAdapters();
  await withLock(`archive-${cluster.id}`, 'the archive', LOCK_WAIT_MS, async () => {
    const archivist = await connected(adapters, url, cluster);
    try {
      const work = new Archiving(adapters, cluster, await secretsOf(folders), archivist, folder);
      const plan = await terminal.step('🔎', 'Looking at the log', () => work.plan(options.before));
      if (plan.messages === 0)
        return void terminal.line('🤷', `Nothing up to state:${plan.before} is superseded: there is nothing to archive.`);
      write(`\n${planText(plan, folder)}\n`);
      if (options.dryRun) return;
      if (!options.yes && !(await agreed(signal))) return void terminal.line('✋', 'Nothing was archived.');
      signal.throwIfAborted();
      if (cluster.archive !== folder && options.to !== undefined) {
        // Read again: the cluster may have been started anew since the question was asked.
        await saveCluster({ ...(await requireCluster(cluster.profile)), archive: folder });
      }
      await terminal.step('📦', `Archiving to ${folder}`, (say) => work.carryOut(plan, say, signal));
    } catch (error) {
      if (error instanceof Failure || signal.aborted) throw error;
      throw new Failure(`the log was not archived to the end: ${messageOf(error)}`, ['Nothing is lost; run again, it goes on.'], 1, {
        cause: error,
      });
    } finally {
      await archivist.close();
    }
  });
}

function requireServers(cluster: Cluster, folders: Folders): void {
  requireLog(cluster, folders);
  if (cluster.postgresUrl === undefined && runningProcess(folders.run, 'postgres') === undefined)
    throw new Failure(`postgres of profile "${cluster.profile}" is not running`, ['Run `./decklog start` first.']);
}

async function connected({ Archivist }: Adapters, url: string, cluster: Cluster): Promise<Archivist> {
  try {
    return await Archivist.connect(url, cluster.id);
  } catch (error) {
    throw new Failure(
      `the log does not let its archiver in: ${messageOf(error)}`,
      ['A cluster started by an older version knows no archiver yet: `./decklog start` makes one.'],
      1,
      { cause: error },
    );
  }
}

async function agreed(signal: AbortSignal): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new Failure('nobody is there to be asked', ['Say --yes, or --dry-run to only look.'], 2);
  return confirmed('Archive them?', signal);
}

/** One run of archiving. */
class Archiving {
  constructor(
    private readonly adapters: Adapters,
    private readonly cluster: Cluster,
    private readonly secrets: Secrets,
    private readonly archivist: Archivist,
    private readonly folder: string,
  ) {}

  /** What goes before a moment; nothing that the projection has not seen. */
  async plan(moment: Moment): Promise<ArchivePlan> {
    const before = await this.projected(async (history) => {
      const instant = instantOf(moment, Date.now());
      const wanted = moment.kind === 'sequence' ? moment.sequence : (await history.positionBy(instant ?? 0)).state;
      return Math.min(wanted, await history.position('state'));
    });
    return this.adapters.planArchive(this.archivist, before);
  }

  async carryOut(plan: ArchivePlan, say: Say, signal: AbortSignal): Promise<void> {
    const { ArchiveFolder, archiveMessages, anchorAt } = this.adapters;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const archive = await ArchiveFolder.open(this.folder, this.cluster.id);
    const anchor = await this.projected((_, database) => anchorAt(database, plan.before));
    const sizeBefore = (await this.archivist.bounds()).bytes;
    const { files, written, removed, manifest } = await archiveMessages(plan, {
      archivist: this.archivist,
      archive,
      now: Date.now,
      by: userInfo().username,
      ...(anchor === undefined ? {} : { anchor }),
      progress: progressOf(say, signal),
    });
    const { bytes } = await this.archivist.bounds();
    const contents = sum(files, 'contentBytes');
    say(
      `${written} messages in ${files.length === 1 ? 'one file' : `${files.length} files`}: ${sizeText(contents)}, compressed ${sizeText(sum(files, 'bytes'))}`,
    );
    say(`read back, compared with the log, then removed from it: ${removed} messages`);
    say(
      `the log's stream holds ${sizeText(bytes)} of messages, before ${sizeText(sizeBefore)}; ${this.folder} holds ${archiveText(manifest)}`,
    );
  }

  private async projected<T>(
    work: (history: PostgresHistory, database: Awaited<ReturnType<Adapters['connectPostgres']>>) => Promise<T>,
  ): Promise<T> {
    const { connectPostgres, MIGRATIONS, WITHOUT_KEYS, ...adapters } = this.adapters;
    const url = postgresUrlOf(this.cluster, this.secrets);
    const database = await connectPostgres({ url, cluster: this.cluster.id, migrations: MIGRATIONS, poolSize: 2 });
    try {
      return await work(new adapters.PostgresHistory(database, WITHOUT_KEYS), database);
    } finally {
      await database.destroy();
    }
  }
}

const sum = <K extends string>(list: readonly Readonly<Record<K, number>>[], key: K): number =>
  list.reduce((total, one) => total + one[key], 0);

const archiveText = ({ files, through }: ArchiveManifest): string =>
  `${sum(files, 'messages')} messages up to state:${through} in ${sizeText(sum(files, 'bytes'))}`;

/** Tells now and then how far it is. Giving up takes effect between two lots: nothing is half done then. */
function progressOf(say: Say, signal: AbortSignal): (step: ArchiveStep, done: number, of: number) => void {
  let said = performance.now();
  return (step, done, of) => {
    signal.throwIfAborted();
    if (done === 0 || done === of || performance.now() - said < SAY_EVERY_MS) return;
    said = performance.now();
    say(`${done} of ${of} ${STEPS[step]}`);
  };
}
