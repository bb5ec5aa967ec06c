import type { Msg } from 'nats';
import type { AppendWrite, Guard, Sequence } from '#libs/log';
import { guardSubject } from '#libs/log';
import { headerBlock } from './message.js';
import type { Wire } from './wire.js';
import { AnswerLost } from './wire.js';

/** What the server made of a message or a batch. */
export type Outcome =
  /** Stored; `first` is the sequence of the first write, the others follow without a gap. */
  | { readonly kind: 'stored'; readonly first: Sequence }
  /** An expectation is wrong, nothing is stored. `actual` for a single message: where its subject stands. */
  | { readonly kind: 'conflict'; readonly actual: Sequence }
  /** Nothing is stored; the server may take it later. */
  | { readonly kind: 'refused'; readonly why: string; readonly isFull?: boolean }
  /** No answer: stored or not. */
  | { readonly kind: 'lost'; readonly why: string };

/** The `Nats-Expected-Last-Subject-Sequence` of a message was wrong. */
const WRONG_LAST_SEQUENCE = 10071;
/** With several replicas: another message to the subject is still on its way. */
const WRONG_LAST_SEQUENCE_CONSTANT = 10164;
/** The server, or the account, has used all that it may store. */
const NO_SPACE: readonly (number | undefined)[] = [10023, 10047];
/** Storing failed, for a reason that stands in the description alone. */
const STORE_FAILED = 10077;
const NOTHING = new Uint8Array();

interface PublishAnswer {
  readonly seq?: number;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string };
}

const isFull = ({ err_code, description }: NonNullable<PublishAnswer['error']>): boolean =>
  NO_SPACE.includes(err_code) || (err_code === STORE_FAILED && /bytes exceeded|no space left|insufficient/.test(description));

function outcomeOf(message: Msg, count: number): Outcome {
  if (message.data.length === 0) return { kind: 'refused', why: `status ${message.headers?.code ?? 'unknown'}` };
  const { seq, error } = message.json<PublishAnswer>();
  if (error?.err_code === WRONG_LAST_SEQUENCE || error?.err_code === WRONG_LAST_SEQUENCE_CONSTANT) {
    return { kind: 'conflict', actual: Number(/wrong last sequence: (\d+)/.exec(error.description)?.[1] ?? -1) };
  }
  if (error) {
    const why = `${error.description} (${error.err_code ?? error.code})`;
    return { kind: 'refused', why, ...(isFull(error) ? { isFull: true } : {}) };
  }
  return seq === undefined ? { kind: 'lost', why: 'an answer without a sequence' } : { kind: 'stored', first: seq - count + 1 };
}

const lost = (thrown: unknown): Outcome => {
  if (thrown instanceof AnswerLost) return { kind: 'lost', why: thrown.message };
  throw thrown;
};

/** One write as one message. `withinMs`: how long its answer is waited for. */
export async function sendSingle(wire: Wire, { subject, expected, meta, body }: AppendWrite, withinMs: number): Promise<Outcome> {
  try {
    return outcomeOf(await wire.request(subject, body, withinMs, headerBlock(meta, { expected }, undefined)), 1);
  } catch (thrown) {
    return lost(thrown);
  }
}

/** A message that says nothing: that it was stored says that most of the servers took it. */
export function sendMark(wire: Wire, subject: string, withinMs: number): Promise<Outcome> {
  return wire.request(subject, NOTHING, withinMs).then((message) => outcomeOf(message, 1), lost);
}

/**
 * Guards and writes as one atomic batch: at least two messages. The markers of the guards go first, since the server
 * refuses an expectation about a subject that the batch has already written.
 */
export async function sendBatch(
  wire: Wire,
  id: string,
  { writes, guards, withinMs }: { readonly writes: readonly AppendWrite[]; readonly guards: readonly Guard[]; readonly withinMs: number },
): Promise<Outcome> {
  const size = guards.length + writes.length;
  for (const [index, { subject, expected }] of guards.entries()) {
    wire.publish(guardSubject(subject), NOTHING, headerBlock(undefined, { expected, subject }, { id, size, index }));
  }
  for (const [i, { subject, expected, meta, body }] of writes.entries()) {
    const headers = headerBlock(meta, { expected }, { id, size, index: guards.length + i });
    if (i < writes.length - 1) wire.publish(subject, body, headers);
    else return wire.request(subject, body, withinMs, headers).then((message) => outcomeOf(message, writes.length), lost);
  }
  throw new RangeError('a batch without writes');
}
