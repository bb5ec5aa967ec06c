import type { ClientBase } from 'pg';
import type { DataSource } from 'typeorm';
import { endFinding, findingText, markFinding, STREAMS, type Finding, type Sequence, type SignedCheckpoint } from '#libs/log';
import type { JetStreamLog } from '../jetstream/jetstream-log.js';
import { headOf } from '../postgres/chain.js';
import { openSession } from '../postgres/data-source.js';
import { newestInFile } from './checkpoint-file.js';
import type { CheckpointStream } from './checkpoint-stream.js';
import { verifyStretch } from './walk.js';

/** The history is not what it was: it was altered, or a part of it is gone. Nobody serves from it before a person has decided. */
export class HistoryAltered extends Error {
  override readonly name = 'HistoryAltered';

  constructor(readonly finding: Finding) {
    super(findingText(finding));
  }
}

/** What is looked at before anybody serves. */
export interface CheckOptions {
  readonly log: JetStreamLog;
  readonly dataSource: DataSource;
  readonly checkpoints: CheckpointStream;
  /** The file with checkpoints; absent: there is none. */
  readonly file?: string;
  /** Whether a checkpoint was signed by who should have; absent: nobody can tell. */
  readonly isSigned?: (checkpoint: SignedCheckpoint) => boolean;
  /** How many of the newest sequences of `state` are compared byte for byte; 5,000 unless set. */
  readonly newest?: number;
}

const NEWEST = 5_000;

/**
 * What can be seen of a history in a moment: that no stream ends before what was projected or signed, that no message of
 * `state` is gone which was not archived, that the newest events are what they were. Throws HistoryAltered.
 */
export async function checkHistory(options: CheckOptions): Promise<void> {
  const { log, dataSource, checkpoints, file, isSigned, newest = NEWEST } = options;
  const inFile = file === undefined ? undefined : await newestInFile(file);
  const signed = [await checkpoints.newest(), inFile].filter((one) => one !== undefined);
  for (const checkpoint of signed) if (isSigned?.(checkpoint) === false) refuse(forgedFinding(checkpoint));
  const accepted = Math.max(0, ...signed.map(({ since = 0 }) => since));
  const session = await openSession(dataSource);
  try {
    for (const stream of STREAMS) {
      // In this order: others append and project meanwhile, and what is projected was in the log before.
      const { sequence } = await headOf(session, stream);
      const { last } = await log.bounds(stream);
      refuse(projectedFinding(stream, last, sequence));
      for (const checkpoint of signed) refuse(endFinding(checkpoint, stream, last));
    }
    await checkState(log, session, newest, accepted);
    for (const checkpoint of signed) refuse(await markOf(session, checkpoint));
  } finally {
    await session.end().catch(() => undefined);
  }
}

/** What is wrong with a checkpoint that was signed by nobody who should. */
export const forgedFinding = ({ number, streams }: SignedCheckpoint): Finding => ({
  kind: 'checkpoint',
  stream: 'state',
  sequence: streams.state.sequence,
  detail: `checkpoint ${number} is not signed with the cluster's key`,
});

function refuse(finding: Finding | undefined): void {
  if (finding) throw new HistoryAltered(finding);
}

function projectedFinding(stream: Finding['stream'], last: Sequence, projected: Sequence): Finding | undefined {
  if (projected <= last) return undefined;
  const detail = `the log ends at ${stream}:${last}, and the projection has seen ${stream}:${projected}`;
  return { kind: 'rolled-back', stream, sequence: last + 1, through: projected, detail };
}

async function checkState(log: JetStreamLog, session: ClientBase, newest: number, accepted: Sequence): Promise<void> {
  const { archived, missing } = await log.bounds('state');
  const { sequence: until } = await headOf(session, 'state');
  // Where nothing was archived nothing may be missing: then the whole stretch is walked, to say where.
  const from = Math.max(accepted, archived, missing > 0 && archived === 0 ? 0 : until - newest) + 1;
  if (from > until) return;
  refuse((await verifyStretch({ source: log, session, stream: 'state', from, until, checkpoints: [] })).finding);
}

/** What a checkpoint finds of the rows of `state`: the chain at its place. */
async function markOf(session: ClientBase, checkpoint: SignedCheckpoint): Promise<Finding | undefined> {
  const mark = checkpoint.streams.state;
  const { rows } = await session.query<{ chain: Buffer | null }>(
    `select chain from revision where stream = 'state' and sequence <= $1 order by sequence desc limit 1`,
    [mark.sequence],
  );
  const chain = rows[0]?.chain;
  return chain ? markFinding(checkpoint, 'state', mark, chain.toString('hex')) : undefined;
}
