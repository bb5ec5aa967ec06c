import type { DataSource } from 'typeorm';
import { acceptedUpTo, countingCheckpoints, STREAMS, type MessageSource } from '#libs/log';
import type { Logger } from '#libs/runtime';
import { pause } from '../pause.js';
import { headOf } from '../postgres/chain.js';
import { openSession } from '../postgres/data-source.js';
import { isUnreachable } from '../unreachable.js';
import { HistoryAltered } from './check.js';
import type { CheckpointStream } from './checkpoint-stream.js';
import { verifyStretch } from './walk.js';

/** What is read again in the background. */
export interface ScrubOptions {
  readonly log: MessageSource & { bounds(stream: 'state'): Promise<{ readonly archived: number }> };
  readonly dataSource: DataSource;
  readonly checkpoints: CheckpointStream;
  readonly logger: Logger;
}

/** After each batch it rests this long: a tenth of what it could do. */
const REST_MS = 50;

/** After a server was gone it begins anew so much later. */
const AGAIN_MS = 5_000;

/**
 * Reads a history once from its beginning and compares it, at a low pace: what the check at the start was too quick for. What
 * was archived is left to `decklog verify`. Where a server is gone it begins anew. Throws HistoryAltered.
 */
export async function scrubHistory(options: ScrubOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await scrubOnce(options, signal);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      await pause(AGAIN_MS, signal);
    }
  }
}

async function scrubOnce({ log, dataSource, checkpoints, logger }: ScrubOptions, signal: AbortSignal): Promise<void> {
  const session = await openSession(dataSource);
  const leave = (): void => void session.end().catch(() => undefined);
  signal.addEventListener('abort', leave);
  try {
    const counting = countingCheckpoints(await checkpoints.all());
    let events = 0;
    for (const stream of STREAMS) {
      const { sequence: until, chained } = await headOf(session, stream);
      const archived = stream === 'state' ? (await log.bounds('state')).archived : 0;
      const from = Math.max(archived, acceptedUpTo(counting, stream)) + 1;
      if (!chained || from > until || signal.aborted) continue;
      const onProgress = (): Promise<void> => pause(REST_MS, signal);
      const walked = await verifyStretch({ source: log, session, stream, from, until, checkpoints: counting, signal, onProgress });
      if (walked.finding) throw new HistoryAltered(walked.finding);
      events += walked.events;
    }
    if (!signal.aborted) logger.info('the history is what it was', { events });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    await session.end().catch(() => undefined);
  }
}
