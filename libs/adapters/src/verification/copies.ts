import type { ClientBase } from 'pg';
import { STREAMS, type Finding, type Sequence, type StreamName } from '#libs/log';
import type { JetStreamLog } from '../jetstream/index.js';
import { pause } from '../pause.js';
import { headOf } from '../postgres/chain.js';
import { verifyStretch, type Walked, type WalkOptions } from './walk.js';

/** What one server's copy of the log was found to be. */
export interface CopyVerified {
  readonly server: string;
  /** It takes the writes of `state`, and answers for it. */
  readonly isLeader: boolean;
  /** Whether it was looked at: one that is away, or is catching up, is not. */
  readonly isCurrent: boolean;
  readonly events: number;
  /** The first thing wrong in each stream. */
  readonly findings: readonly Finding[];
}

/** Which copies are looked at, and from where. */
export interface CopiesToVerify {
  readonly log: Pick<JetStreamLog, 'bounds' | 'copies' | 'copy'>;
  readonly session: Pick<ClientBase, 'query'>;
  readonly streams?: readonly StreamName[];
  readonly from?: Sequence;
  readonly signal?: AbortSignal;
  /** Told of each batch; what it returns is waited for. */
  readonly onProgress?: (at: Sequence) => Promise<void> | void;
}

/** What a copy lacks is looked for again so often: one that has only just come back is said to be current, and is not. */
const LOOKS = 5;
const AGAIN_MS = 2_000;
const FOR_EVER = new AbortController().signal;

async function walkCopy(stretch: WalkOptions): Promise<Walked> {
  let walked = await verifyStretch(stretch);
  let { events } = walked;
  for (let looks = 1; looks < LOOKS && walked.finding?.kind === 'lost'; looks++) {
    await pause(AGAIN_MS, stretch.signal ?? FOR_EVER);
    walked = await verifyStretch({ ...stretch, from: walked.finding.sequence });
    events += walked.events;
  }
  return { ...walked, events };
}

/**
 * Compares each server's own copy of the log with what was projected. A server tells nobody that a block of its files is damaged: it
 * gives out what is left. Empty where one server alone keeps the log.
 */
export async function verifyCopies(options: CopiesToVerify): Promise<readonly CopyVerified[]> {
  const { log, session, streams = STREAMS, from = 1, signal, onProgress } = options;
  const verified: CopyVerified[] = [];
  for (const { server, isLeader } of await log.copies('state')) {
    let events = 0;
    let isCurrent = true;
    const findings: Finding[] = [];
    for (const stream of streams) {
      const { sequence: projected } = await headOf(session, stream);
      const { last, archived } = await log.bounds(stream);
      const until = Math.min(projected, last);
      const copy = (await log.copies(stream)).find((one) => one.server === server);
      isCurrent &&= copy?.isCurrent === true;
      const first = Math.max(from, archived + 1);
      if (copy?.isCurrent !== true || first > until || signal?.aborted === true) continue;
      const stretch = { source: log.copy(server), session, stream, from: first, until, checkpoints: [] };
      const walked = await walkCopy({ ...stretch, ...(signal ? { signal } : {}), onProgress: (at) => onProgress?.(at) });
      events += walked.events;
      if (walked.finding) findings.push(walked.finding);
    }
    verified.push({ server, isLeader, isCurrent, events, findings });
  }
  return verified;
}
