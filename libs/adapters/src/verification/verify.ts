import type { ClientBase } from 'pg';
import {
  acceptedUpTo,
  countingCheckpoints,
  endFinding,
  orderFinding,
  STREAMS,
  type Finding,
  type MessageSource,
  type Sequence,
  type SignedCheckpoint,
  type StreamName,
} from '#libs/log';
import { headOf } from '../postgres/chain.js';
import { objectFinding } from './objects.js';
import { forgedFinding } from './check.js';
import { lineHash } from './signing.js';
import { verifyStretch } from './walk.js';

/** What is verified, and against what. */
export interface VerifyOptions {
  /** The log with its archive, and where each stream ends. */
  readonly log: MessageSource & { last(stream: StreamName): Promise<Sequence> };
  readonly session: ClientBase;
  /** Checkpoints by where they were kept, oldest first. */
  readonly checkpoints: readonly { readonly kept: string; readonly all: readonly SignedCheckpoint[] }[];
  /** Whether a checkpoint was signed by who should have; absent: nobody can tell. */
  readonly isSigned?: (checkpoint: SignedCheckpoint) => boolean;
  readonly streams?: readonly StreamName[];
  /** The first sequence that is looked at; absent: the first that no person has accepted as it is. */
  readonly from?: Sequence;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stream: StreamName, at: Sequence, until: Sequence) => void;
}

/** What was looked at of one stream, and the first thing wrong with it. */
export interface StreamVerified {
  readonly stream: StreamName;
  readonly from: Sequence;
  readonly until: Sequence;
  readonly events: number;
  readonly finding?: Finding;
}

/** What came of verifying a history. */
export interface Verified {
  readonly streams: readonly StreamVerified[];
  readonly checkpoints: readonly {
    readonly kept: string;
    readonly count: number;
    readonly newest?: SignedCheckpoint;
    readonly finding?: Finding;
  }[];
}

/** What is wrong with checkpoints by themselves; undefined: nothing. */
function checkpointsFinding(all: readonly SignedCheckpoint[], isSigned: VerifyOptions['isSigned']): Finding | undefined {
  const forged = isSigned && all.find((checkpoint) => !isSigned(checkpoint));
  if (forged) return forgedFinding(forged);
  const counting = countingCheckpoints(all);
  const hashes = counting.map((_, i) => {
    const before = counting[i - 1];
    return before === undefined ? '' : lineHash(before);
  });
  return orderFinding(counting, hashes);
}

/** Compares streams, projection and checkpoints: all of it, or from a sequence on. */
export async function verifyHistory(options: VerifyOptions): Promise<Verified> {
  const { log, session, checkpoints, isSigned, streams = STREAMS, signal, onProgress } = options;
  const kept = checkpoints.map(({ kept: where, all }) => {
    const newest = all.at(-1);
    const finding = checkpointsFinding(all, isSigned);
    return { kept: where, count: all.length, ...(newest ? { newest } : {}), ...(finding ? { finding } : {}) };
  });
  const trusted = checkpoints.flatMap(({ all }, i) => (kept[i]?.finding === undefined ? all : []));
  const ordered = countingCheckpoints([...trusted].sort((a, b) => a.number - b.number));
  const verified: StreamVerified[] = [];
  for (const stream of streams) {
    const from = options.from ?? acceptedUpTo(ordered, stream) + 1;
    const { sequence: until } = await headOf(session, stream);
    const last = await log.last(stream);
    const ended = rolledBack(stream, last, until, ordered);
    const walked =
      ended === undefined || last >= from
        ? await verifyStretch({
            source: log,
            session,
            stream,
            from,
            until: Math.min(until, last),
            checkpoints: ordered.filter((one) => one.streams[stream].sequence <= last),
            ...(signal ? { signal } : {}),
            onProgress: (at) => onProgress?.(stream, at, until),
          })
        : { events: 0 };
    const finding = walked.finding ?? ended ?? (await objectFinding(session, stream));
    verified.push({ stream, from, until: Math.min(until, last), events: walked.events, ...(finding ? { finding } : {}) });
  }
  return { streams: verified, checkpoints: kept };
}

function rolledBack(
  stream: StreamName,
  last: Sequence,
  projected: Sequence,
  checkpoints: readonly SignedCheckpoint[],
): Finding | undefined {
  const newest = checkpoints.at(-1);
  const signed = newest && endFinding(newest, stream, last);
  if (signed) return signed;
  if (projected <= last) return undefined;
  const detail = `the log ends at ${stream}:${last}, and the projection has seen ${stream}:${projected}`;
  return { kind: 'rolled-back', stream, sequence: last + 1, through: projected, detail };
}
