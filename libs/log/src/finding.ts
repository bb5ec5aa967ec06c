import type { Sequence, StreamName } from './event.js';
import type { SignedCheckpoint, StreamMark } from './checkpoint.js';
import { formatPlace } from './position.js';

/** What is wrong with a history. */
export type FindingKind =
  /** The log holds an event otherwise than when it was projected. */
  | 'altered-event'
  /** The projection's row says something else than the event. */
  | 'altered-row'
  /** The log has no message where there was one. */
  | 'lost'
  /** An event that was projected has no row. */
  | 'row-lost'
  /** The chain of the rows does not follow from their digests. */
  | 'broken-chain'
  /** The log ends before what was seen of it. */
  | 'rolled-back'
  /** A checkpoint is not signed, not the next one, or says something else than the history. */
  | 'checkpoint';

/** One thing wrong, and where: the first of its stream. */
export interface Finding {
  readonly kind: FindingKind;
  readonly stream: StreamName;
  readonly sequence: Sequence;
  /** The last of a stretch, where it is more than one. */
  readonly through?: Sequence;
  readonly detail: string;
}

/** A finding in a sentence. */
export function findingText({ kind, stream, sequence, through, detail }: Finding): string {
  const place =
    through === undefined || through === sequence ? formatPlace(stream, sequence) : `${formatPlace(stream, sequence)} to ${through}`;
  switch (kind) {
    case 'altered-event':
      return `${place} was altered in the log after it was stored: ${detail}`;
    case 'altered-row':
      return `${place} was altered in the projection: ${detail}`;
    case 'lost':
      return `${place} is lost from the log: ${detail}`;
    case 'row-lost':
      return `${place} is lost from the projection: ${detail}`;
    case 'broken-chain':
      return `the hash chain breaks at ${place}: ${detail}`;
    case 'rolled-back':
      return `the log was rolled back: ${place} is the first that is missing: ${detail}`;
    case 'checkpoint':
      return `${place}: ${detail}`;
  }
}

/** What a checkpoint finds of a stream that ends at a sequence; undefined: nothing. */
export function endFinding({ number, time, streams }: SignedCheckpoint, stream: StreamName, last: Sequence): Finding | undefined {
  const { sequence } = streams[stream];
  if (sequence <= last) return undefined;
  const detail = `the log ends at ${formatPlace(stream, last)}, and checkpoint ${number}, signed at ${time}, has seen ${formatPlace(stream, sequence)}`;
  return { kind: 'rolled-back', stream, sequence: last + 1, through: sequence, detail };
}

/** What a mark of a checkpoint finds of the chain at its place; undefined: nothing. */
export function markFinding(
  { number, time }: SignedCheckpoint,
  stream: StreamName,
  { sequence, chain }: StreamMark,
  found: string,
): Finding | undefined {
  if (found === chain) return undefined;
  const what = 'something before was altered, in the log and in the projection alike';
  const detail = `checkpoint ${number}, signed at ${time}, has another hash for all up to here: ${what}`;
  return { kind: 'checkpoint', stream, sequence, detail };
}

/** Checkpoints that do not follow one another, oldest first; undefined: all do. `hashes`: of the line before each. */
export function orderFinding(checkpoints: readonly SignedCheckpoint[], hashes: readonly string[]): Finding | undefined {
  for (const [i, checkpoint] of checkpoints.entries()) {
    const before = checkpoints[i - 1];
    if (before === undefined) continue;
    const { number, streams } = checkpoint;
    const where = { stream: 'state', sequence: streams.state.sequence, kind: 'checkpoint' } as const;
    if (number !== before.number + 1)
      return { ...where, detail: `checkpoint ${before.number} is followed by checkpoint ${number}: there is one missing, or one too many` };
    if (checkpoint.previous !== hashes[i])
      return { ...where, detail: `checkpoint ${number} was signed after another checkpoint ${before.number} than is kept` };
  }
  return undefined;
}
