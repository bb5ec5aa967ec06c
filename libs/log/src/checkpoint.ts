import type { Sequence, StreamName } from './event.js';
import { STREAMS } from './event.js';

/** Where a stream stood, and the hash chain at its newest event, in hexadecimal. */
export interface StreamMark {
  readonly sequence: Sequence;
  readonly chain: string;
}

/** What was signed at a moment: how far each stream had come, and everything before by its chain. */
export interface Checkpoint {
  /** From 1, without a gap. */
  readonly number: number;
  readonly cluster: string;
  /** RFC 3339. */
  readonly time: string;
  readonly streams: Readonly<Record<StreamName, StreamMark>>;
  /** The SHA-256 of the line before, in hexadecimal; empty on the first. */
  readonly previous: string;
  /** Why somebody accepted a history that was not what it had been; what was signed before does not count any more. */
  readonly accepted?: string;
  /** The sequence of `state` up to which it was last accepted, kept from then on: what lies before is known. */
  readonly since?: Sequence;
}

/** A checkpoint with the signature over `checkpointText`, in base64. */
export interface SignedCheckpoint extends Checkpoint {
  readonly signature: string;
}

/** Where a cluster's checkpoints are stored: no object's subject. */
export const checkpointSubject = (cluster: string): string => `decklog.${cluster}.checkpoint.signed`;

/** What is signed of a checkpoint: always the same text for the same checkpoint. */
export function checkpointText({ number, cluster, time, streams, previous, accepted = '', since = 0 }: Checkpoint): string {
  const marks = STREAMS.map((stream) => [stream, streams[stream].sequence, streams[stream].chain]);
  return JSON.stringify(['decklog checkpoint 1', number, cluster, time, marks, previous, accepted, since]);
}

/** A checkpoint as the line that is kept of it, in a stream and in a file. */
export const checkpointLine = ({ number, cluster, time, streams, previous, accepted, since, signature }: SignedCheckpoint): string =>
  JSON.stringify({
    number,
    cluster,
    time,
    streams,
    previous,
    ...(accepted === undefined ? {} : { accepted }),
    ...(since === undefined ? {} : { since }),
    signature,
  });

/** The checkpoints that count: those since a history was last accepted, that one included. */
export function countingCheckpoints(all: readonly SignedCheckpoint[]): readonly SignedCheckpoint[] {
  return all.slice(
    Math.max(
      0,
      all.findLastIndex(({ accepted }) => accepted !== undefined),
    ),
  );
}

/** Up to here a person has accepted a stream as it was then: whatever was altered or lost before is known. 0 where nobody has. */
export const acceptedUpTo = (all: readonly SignedCheckpoint[], stream: StreamName): Sequence =>
  all.reduce((most, { accepted, streams }) => (accepted === undefined ? most : Math.max(most, streams[stream].sequence)), 0);

const isMark = (value: unknown): value is StreamMark => {
  const { sequence, chain } = (value ?? {}) as Partial<Record<keyof StreamMark, unknown>>;
  return Number.isSafeInteger(sequence) && typeof chain === 'string' && /^[0-9a-f]{64}$/.test(chain);
};

/** The checkpoint of a line. Throws SyntaxError for anything that `checkpointLine` can't have written. */
export function parseCheckpoint(line: string): SignedCheckpoint {
  const wrong = new SyntaxError(`not a checkpoint: ${line.slice(0, 80)}`);
  let value: Partial<Record<keyof SignedCheckpoint, unknown>> | null;
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    throw wrong;
  }
  const { number, cluster, time, streams, previous, accepted, since, signature } = value ?? {};
  const texts = [cluster, time, previous, signature].every((text) => typeof text === 'string');
  const marks = (streams ?? {}) as Readonly<Record<string, unknown>>;
  if ((accepted !== undefined && typeof accepted !== 'string') || (since !== undefined && !Number.isSafeInteger(since))) throw wrong;
  if (!texts || !Number.isSafeInteger(number) || !STREAMS.every((stream) => isMark(marks[stream]))) throw wrong;
  const optional = { ...(accepted === undefined ? {} : { accepted }), ...(since === undefined ? {} : { since }) };
  return { number, cluster, time, streams, previous, ...optional, signature } as SignedCheckpoint;
}
