import type { Msg } from 'nats';
import { LogUnavailable } from '#libs/log';
import type { Wire } from '../jetstream/wire.js';
import { AnswerLost, json } from '../jetstream/wire.js';

/** What the server says of a stream when it begins to send or has taken a snapshot. */
export interface StreamReport {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: { readonly first_seq: number; readonly last_seq: number; readonly messages: number };
}

interface ApiAnswer extends Partial<StreamReport> {
  readonly error?: { readonly err_code?: number; readonly description: string };
  readonly deliver_subject?: string;
}

const CHUNK = 512 * 1024;
const TIMEOUT_MS = 10_000;
/** So long the server may say nothing while a snapshot is on its way. */
const SILENCE_MS = 30_000;
/** It reads what it was sent before it answers to the last of it. */
const RESTORE_MS = 600_000;
const NOT_FOUND = 10059;
const NOTHING = new Uint8Array();

async function ask(wire: Wire, subject: string, payload: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<ApiAnswer> {
  try {
    const answer = await wire.request(subject, payload, timeoutMs);
    if (answer.data.length > 0) return answer.json<ApiAnswer>();
    const code = answer.headers?.code ?? 0;
    return code < 400 ? {} : { error: { description: `status ${code}: the log's server has no JetStream, or does not let us` } };
  } catch (error) {
    throw error instanceof AnswerLost ? new LogUnavailable(`the log does not answer: ${error.message}`, { cause: error }) : error;
  }
}

/** A snapshot on its way: what the stream is, and its bytes in pieces. The server waits until a piece was taken. */
export interface Snapshot {
  readonly report: StreamReport;
  readonly chunks: AsyncIterable<Buffer>;
}

/** What arrives, one after the other; the server sends no more than a window of it ahead. */
class Arrivals {
  private readonly arrived: Msg[] = [];
  private wake: (() => void) | undefined;

  put(message: Msg): void {
    this.arrived.push(message);
    this.wake?.();
  }

  async next(): Promise<Msg> {
    for (;;) {
      const message = this.arrived.shift();
      if (message) return message;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new LogUnavailable("the log's server sends nothing more of a snapshot")), SILENCE_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/**
 * Takes the server's own snapshot of a stream: all of it at one moment, while it is written to. Undefined where there is no such
 * stream. Its chunks have to be read to their end.
 */
export async function snapshotOf(wire: Wire, name: string): Promise<Snapshot | undefined> {
  // Of several servers none answers who wants a snapshot of what there is not.
  if ((await ask(wire, `$JS.API.STREAM.INFO.${name}`, NOTHING)).error?.err_code === NOT_FOUND) return undefined;
  const arrivals = new Arrivals();
  const listener = wire.listen((message) => arrivals.put(message));
  const asked = { deliver_subject: listener.inbox, no_consumers: true, chunk_size: CHUNK, jsck: true };
  try {
    const { config, state, error } = await ask(wire, `$JS.API.STREAM.SNAPSHOT.${name}`, json(asked));
    if (!config || !state) throw new LogUnavailable(`no snapshot of ${name}: ${error?.description ?? 'no answer'}`);
    return { report: { config, state }, chunks: chunksOf(wire, name, arrivals, listener.stop) };
  } catch (error) {
    listener.stop();
    throw error;
  }
}

async function* chunksOf(wire: Wire, name: string, arrivals: Arrivals, stop: () => void): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const message = await arrivals.next();
      const code = message.headers?.code ?? 0;
      if (code >= 400) throw new LogUnavailable(`the snapshot of ${name} broke off: ${code} ${message.headers?.description ?? ''}`);
      if (message.data.length === 0) return;
      yield Buffer.from(message.data);
      if (message.reply !== undefined && message.reply !== '') wire.publish(message.reply, NOTHING);
    }
  } finally {
    stop();
  }
}

async function send(wire: Wire, to: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += CHUNK) {
      const { error } = await ask(wire, to, chunk.subarray(at, at + CHUNK));
      if (error) throw new LogUnavailable(`the log's server takes no more of a snapshot: ${error.description}`);
    }
  }
}

/** Makes a stream out of a snapshot of it. Throws where there is such a stream, and where the snapshot is not whole. */
export async function restoreSnapshot(
  wire: Wire,
  { config, state }: StreamReport,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StreamReport> {
  const name = String(config['name']);
  const failed = (why: string): LogUnavailable => new LogUnavailable(`${name} was not restored: ${why}`);
  const { deliver_subject: to, error } = await ask(wire, `$JS.API.STREAM.RESTORE.${name}`, json({ config, state }));
  if (error !== undefined || to === undefined) throw failed(error?.description ?? 'no answer');
  try {
    await send(wire, to, chunks);
  } catch (error) {
    // It would wait for the rest.
    await ask(wire, to, NOTHING).catch(() => undefined);
    throw error;
  }
  const made = await ask(wire, to, NOTHING, RESTORE_MS);
  if (!made.config || !made.state) throw failed(made.error?.description ?? 'no answer');
  return { config: made.config, state: made.state };
}
