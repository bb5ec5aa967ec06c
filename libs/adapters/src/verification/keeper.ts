import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { Checkpoint, SignedCheckpoint, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';
import type { Logger, World } from '#libs/runtime';
import { pause } from '../pause.js';
import { headOf } from '../postgres/chain.js';
import { openSession, schemaIn } from '../postgres/data-source.js';
import { appendCheckpoint, readCheckpointFile } from './checkpoint-file.js';
import type { CheckpointStream } from './checkpoint-stream.js';
import { lineHash } from './signing.js';

/** What checkpoints are made with. */
export interface KeeperOptions {
  readonly cluster: string;
  readonly dataSource: DataSource;
  readonly stream: CheckpointStream;
  readonly sign: (checkpoint: Checkpoint) => SignedCheckpoint;
  /** The file that each is appended to as well. */
  readonly file?: string;
  readonly world: Pick<World, 'now'>;
  readonly logger: Logger;
  /** A checkpoint is due after so many events, or so long after the last where there was any. */
  readonly everyEvents?: number;
  readonly everyMs?: number;
}

/** Any number beside those of the streams' locks. */
const LOCK = 17;
const EVERY_EVENTS = 1_000;
const EVERY_MS = 10_000;
const LOOK_MS = 1_000;
const SIGNED_FOR: readonly StreamName[] = ['state', 'event'];

type Streams = Checkpoint['streams'];
const NONE: Streams = Object.fromEntries(STREAMS.map((stream) => [stream, { sequence: 0, chain: '0'.repeat(64) }])) as unknown as Streams;

/**
 * Signs where the streams stand every so often. One process does, fenced by a lock on the connection it reads with; the rest
 * stand by.
 */
export class CheckpointKeeper {
  private last: SignedCheckpoint | undefined;
  private lastMs = 0;
  private unwritable = false;

  constructor(private readonly options: KeeperOptions) {}

  /** Signs until the signal aborts, and once more at the end. Failures are tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.hold(signal);
      } catch (error) {
        if (!signal.aborted) this.options.logger.warn('checkpoints are not signed just now', { error: String(error) });
      }
      await pause(LOOK_MS, signal);
    }
  }

  private async hold(signal: AbortSignal): Promise<void> {
    const session = await openSession(this.options.dataSource);
    const lost = new AbortController();
    session.on('error', () => lost.abort()).on('end', () => lost.abort());
    const leave = (): void => lost.abort();
    signal.addEventListener('abort', leave);
    try {
      if (!(await this.locked(session, lost.signal))) return;
      this.last = await this.options.stream.newest();
      this.lastMs = this.options.world.now();
      while (!lost.signal.aborted) {
        await this.look(session, false);
        await pause(LOOK_MS, lost.signal);
      }
      if (signal.aborted) await this.look(session, true);
    } finally {
      signal.removeEventListener('abort', leave);
      await session.end().catch(() => undefined);
    }
  }

  /** Whoever has the lock signs; the others ask again. */
  private async locked(session: Client, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const { rows } = await session.query<{ got: boolean }>('select pg_try_advisory_lock(hashtext($1), $2) as got', [
        schemaIn(this.options.dataSource),
        LOCK,
      ]);
      if (rows[0]?.got === true) return true;
      await pause(LOOK_MS, signal);
    }
    return false;
  }

  private async look(session: Client, ending: boolean): Promise<void> {
    const { everyEvents = EVERY_EVENTS, everyMs = EVERY_MS, world } = this.options;
    const streams = await this.heads(session);
    const before = this.last?.streams ?? NONE;
    // Leases are renewed all the time: they are signed with what happens, and are no reason to sign.
    const passed = SIGNED_FOR.reduce((sum, stream) => sum + streams[stream].sequence - before[stream].sequence, 0);
    const due = passed >= everyEvents || world.now() - this.lastMs >= everyMs || ending;
    if (passed > 0 && due) await this.keep(streams);
  }

  private async heads(session: Client): Promise<Streams> {
    const marks = new Map<StreamName, Streams[StreamName]>();
    for (const stream of STREAMS) {
      const { sequence, chain, chained } = await headOf(session, stream);
      if (!chained) throw new Error(`the rows of ${stream} have no hash chain yet`);
      marks.set(stream, { sequence, chain: Buffer.from(chain).toString('hex') });
    }
    return Object.fromEntries(marks) as unknown as Streams;
  }

  private async keep(streams: Streams): Promise<void> {
    const { cluster, sign, stream, world } = this.options;
    const { last } = this;
    const number = (last?.number ?? 0) + 1;
    const previous = last === undefined ? '' : lineHash(last);
    const since = last?.since === undefined ? {} : { since: last.since };
    const checkpoint = sign({ number, cluster, time: new Date(world.now()).toISOString(), streams, previous, ...since });
    await stream.append(checkpoint);
    this.last = checkpoint;
    this.lastMs = world.now();
    await this.writeFile(checkpoint);
  }

  /** A file that can't be written is said once, and once again when it can; what it lacks is made up for then. */
  private async writeFile(checkpoint: SignedCheckpoint): Promise<void> {
    const { file, logger, stream } = this.options;
    if (file === undefined) return;
    try {
      const missing = this.unwritable ? await this.missingIn(file, await stream.all()) : [checkpoint];
      for (const one of missing) await appendCheckpoint(file, one);
      if (this.unwritable) logger.info('checkpoints are written to their file again', { file });
      this.unwritable = false;
    } catch (error) {
      if (!this.unwritable) logger.error('checkpoints can not be written to their file', error, { file });
      this.unwritable = true;
    }
  }

  private async missingIn(file: string, all: readonly SignedCheckpoint[]): Promise<readonly SignedCheckpoint[]> {
    const newest = (await readCheckpointFile(file)).at(-1)?.number ?? 0;
    return all.filter(({ number }) => number > newest);
  }
}
