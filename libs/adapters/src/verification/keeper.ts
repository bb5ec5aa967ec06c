import type { DataSource } from 'typeorm';
import type { Checkpoint, Sequence, SignedCheckpoint, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';
import type { Logger, World } from '#libs/runtime';
import { pause } from '../pause.js';
import { headOf } from '../postgres/chain.js';
import type { Session } from '../postgres/data-source.js';
import { holding } from '../postgres/lock.js';
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
 * Signs where the streams stand every so often. One process does, which holds a lock; the rest stand by. One that was stopped and goes
 * on after another has taken its place signs nothing more: a checkpoint follows the one that its keeper knows, or is refused.
 */
export class CheckpointKeeper {
  private last: SignedCheckpoint | undefined;
  /** Where the last one is in the stream of checkpoints. */
  private place: Sequence = 0;
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

  private hold(signal: AbortSignal): Promise<void> {
    const { dataSource, stream, world, file } = this.options;
    return holding(dataSource, LOCK, signal, async (session, held) => {
      const newest = await stream.newestKept();
      this.last = newest?.checkpoint;
      this.place = newest?.sequence ?? 0;
      this.lastMs = world.now();
      if (file !== undefined) await this.writeMissing(file);
      while (!held.aborted) {
        await this.look(session, false);
        await pause(LOOK_MS, held);
      }
      if (signal.aborted) await this.look(session, true);
    });
  }

  private async look(session: Session, ending: boolean): Promise<void> {
    const { everyEvents = EVERY_EVENTS, everyMs = EVERY_MS, world } = this.options;
    const streams = await this.heads(session);
    const before = this.last?.streams ?? NONE;
    // Leases are renewed all the time: they are signed with what happens, and are no reason to sign.
    const passed = SIGNED_FOR.reduce((sum, stream) => sum + streams[stream].sequence - before[stream].sequence, 0);
    const due = passed >= everyEvents || world.now() - this.lastMs >= everyMs || ending;
    if (passed > 0 && due) await this.keep(streams);
  }

  private async heads(session: Session): Promise<Streams> {
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
    this.place = await stream.append(checkpoint, this.place);
    this.last = checkpoint;
    this.lastMs = world.now();
    const { file } = this.options;
    if (file === undefined) return;
    if (this.unwritable) await this.writeMissing(file);
    else await this.written(file, () => appendCheckpoint(file, checkpoint));
  }

  /** What the file lacks is made up for: what another keeper signed, and what could not be written. */
  private writeMissing(file: string): Promise<void> {
    return this.written(file, async () => {
      const newest = (await readCheckpointFile(file)).at(-1)?.number ?? 0;
      for (const one of await this.options.stream.all()) if (one.number > newest) await appendCheckpoint(file, one);
    });
  }

  /** A file that can't be written is said once, and once again when it can. */
  private async written(file: string, write: () => Promise<void>): Promise<void> {
    const { logger } = this.options;
    try {
      await write();
      if (this.unwritable) logger.info('checkpoints are written to their file again', { file });
      this.unwritable = false;
    } catch (error) {
      if (!this.unwritable) logger.error('checkpoints can not be written to their file', error, { file });
      this.unwritable = true;
    }
  }
}
