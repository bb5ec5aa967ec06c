import type { ClientBase } from 'pg';
import { deepEqual } from '#libs/apimachinery';
import {
  CHAIN_START,
  markFinding,
  parseSubject,
  type EventMeta,
  type Finding,
  type MessageSource,
  type Recorded,
  type Sequence,
  type SignedCheckpoint,
  type StoredMessage,
  type StreamName,
} from '#libs/log';
import { chainOf, digestOf } from '../digest.js';
import { projectEvent } from '#libs/projections';
import { headersOfBlock, recordedOf } from '../jetstream/message.js';
import { jsonb } from '../postgres/jsonb.js';
import { bodyText } from '../postgres/stored-row.js';

/** Which stretch of a stream is verified, and against what. */
export interface WalkOptions {
  readonly source: MessageSource;
  readonly session: Pick<ClientBase, 'query'>;
  readonly stream: StreamName;
  /** The first sequence that is looked at, from 1. */
  readonly from: Sequence;
  /** The last one: what the projection has counted. */
  readonly until: Sequence;
  /** Oldest first. */
  readonly checkpoints: readonly SignedCheckpoint[];
  readonly signal?: AbortSignal;
  /** Told of each batch; what it returns is waited for. */
  readonly onProgress?: (at: Sequence, events: number) => Promise<void> | void;
}

/** What came of verifying a stretch: how many events were looked at, and the first thing wrong. */
export interface Walked {
  readonly events: number;
  readonly finding?: Finding;
}

interface Row {
  readonly sequence: string;
  readonly digest: Buffer | null;
  readonly chain: Buffer | null;
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: string;
  readonly time: Date;
  readonly meta: EventMeta;
  readonly encoding: EventMeta['encoding'];
  readonly body: string;
}

const ROWS = 500;
const PAGE = `select sequence, digest, chain, api_group, resource, namespace, name, uid, type, time, meta, encoding, body
  from revision
  where stream = $1 and sequence > $2 and sequence <= $3 order by sequence limit ${ROWS}`;

/** The rows of a stretch one by one, a page at a time. */
class Rows {
  private page: readonly Row[] = [];
  private at = 0;
  private ended = false;

  constructor(
    private readonly session: Pick<ClientBase, 'query'>,
    private readonly stream: StreamName,
    private after: Sequence,
    private readonly until: Sequence,
  ) {}

  async peek(): Promise<Row | undefined> {
    if (this.at < this.page.length || this.ended) return this.page[this.at];
    const { rows } = await this.session.query<Row>({ name: 'verify-rows', text: PAGE, values: [this.stream, this.after, this.until] });
    this.ended = rows.length < ROWS;
    this.page = rows;
    this.at = 0;
    const last = rows.at(-1);
    if (last) this.after = Number(last.sequence);
    return rows[0];
  }

  take(): void {
    this.at += 1;
  }
}

/** Where the chain stands before a stretch; undefined: nobody knows, it begins with the first row that has one. */
async function anchorOf({ session, stream, from }: WalkOptions): Promise<Uint8Array | undefined> {
  if (from <= 1 && stream === 'state') return CHAIN_START;
  const { rows } = await session.query<{ chain: Buffer | null }>(
    'select chain from revision where stream = $1 and sequence < $2 order by sequence desc limit 1',
    [stream, from],
  );
  return rows[0]?.chain ?? undefined;
}

/** A message as an event; undefined for the marker of a guard, an error for what can't be read. */
function eventOf(stream: StreamName, { sequence, subject, nanoseconds, headers, body }: StoredMessage): Recorded | Error | undefined {
  try {
    return recordedOf(stream, sequence, subject, Number(nanoseconds.slice(0, -6)), headersOfBlock(headers), body);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const about = ({ subject, meta }: Pick<Recorded, 'subject' | 'meta'>): string => {
  const { group = '', resource = '', namespace = '', name = '' } = parseSubject(subject) ?? {};
  return `${meta.verb} of ${resource}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name} by ${meta.actor.user}`;
};
const aboutRow = ({ api_group, resource, namespace, name, meta }: Row): string =>
  `${meta.verb} of ${resource}${api_group === '' ? '' : `.${api_group}`} ${namespace === '' ? '' : `${namespace}/`}${name} by ${meta.actor.user}`;

/** What of a row is not what its event says; undefined: nothing. */
function differs(row: Row, event: Recorded): string | undefined {
  const { group, resource, namespace, name, uid, type, time, meta, encoding, body } = projectEvent(event).revision;
  if (row.api_group !== group || row.resource !== resource || row.namespace !== namespace || row.name !== name || row.uid !== uid)
    return 'which object it was';
  if (row.time.getTime() !== time) return 'when it was';
  if (row.type !== type || !deepEqual(row.meta, JSON.parse(jsonb(meta)) as EventMeta)) return 'who did it and why';
  return row.encoding === encoding && row.body === bodyText(body, encoding) ? undefined : 'the object';
}

/** What of a message of the log is not what was projected of it. */
function altered(row: Row, event: Recorded | Error | undefined): string {
  if (event === undefined) return 'it is no event any more';
  if (event instanceof Error) return `it can't be read any more: ${event.message}`;
  try {
    const what = differs(row, event);
    return what === undefined ? 'its bytes are not what they were' : `${what} is not what it was`;
  } catch (error) {
    return `it can't be read any more: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** One walk along a stream: the log on one side, the rows on the other, checkpoints between. */
class Walk {
  private events = 0;
  private chain: Uint8Array | undefined;
  private next = 0;
  /** The last row that was linked. */
  private linked = -1;
  private readonly rows: Rows;
  /** Streams that forget have gaps that are no loss. */
  private readonly whole: boolean;

  constructor(private readonly options: WalkOptions) {
    const { session, stream, from, until, checkpoints } = options;
    this.rows = new Rows(session, stream, from - 1, until);
    this.whole = stream === 'state';
    this.next = checkpoints.findIndex(({ streams }) => streams[stream].sequence >= from);
    if (this.next < 0) this.next = checkpoints.length;
  }

  async go(): Promise<Walked> {
    const { source, stream, from, until, signal, onProgress } = this.options;
    this.chain = await anchorOf(this.options);
    let last = from - 1;
    for await (const { messages, through } of source.messages(stream, last, until, signal)) {
      for (const message of messages) {
        const finding = (await this.gap(last, message.sequence)) ?? (await this.message(message));
        if (finding) return { events: this.events, finding };
        last = message.sequence;
      }
      await onProgress?.(through, this.events);
    }
    if (signal?.aborted) return { events: this.events };
    const finding = (await this.gap(last, until + 1)) ?? this.marks(until + 1);
    return { events: this.events, ...(finding ? { finding } : {}) };
  }

  /** What lies between two messages that follow one another. */
  private async gap(last: Sequence, next: Sequence): Promise<Finding | undefined> {
    if (this.whole && next > last + 1) {
      const row = await this.rows.peek();
      const known =
        row !== undefined && Number(row.sequence) < next ? `the first of them was the ${aboutRow(row)}` : 'nothing of it was projected';
      return { kind: 'lost', stream: this.options.stream, sequence: last + 1, through: next - 1, detail: known };
    }
    for (let row = await this.rows.peek(); row !== undefined && Number(row.sequence) < next; row = await this.rows.peek()) {
      const finding = this.link(row, row.digest);
      if (finding) return finding;
      this.rows.take();
    }
    return undefined;
  }

  private async message(message: StoredMessage): Promise<Finding | undefined> {
    const { stream } = this.options;
    const { sequence } = message;
    const found = this.marks(sequence);
    if (found) return found;
    const event = eventOf(stream, message);
    const row = await this.rows.peek();
    if (row === undefined || Number(row.sequence) !== sequence) return this.without(message, event);
    this.events += 1;
    const digest = digestOf(message);
    const same = row.digest === null || Buffer.compare(row.digest, digest) === 0;
    if (!same || event === undefined || event instanceof Error)
      return { kind: 'altered-event', stream, sequence, detail: `${aboutRow(row)}; ${altered(row, event)}` };
    const what = differs(row, event);
    if (what !== undefined)
      return { kind: 'altered-row', stream, sequence, detail: `${about(event)}; the row says otherwise ${what} than the log` };
    const finding = this.link(row, digest);
    this.rows.take();
    return finding;
  }

  /** A message that there is no row of: a guard's marker, or what a stream that forgets has kept longer than the rows. */
  private without({ sequence }: StoredMessage, event: Recorded | Error | undefined): Finding | undefined {
    const { stream } = this.options;
    if (event === undefined) return undefined;
    this.events += 1;
    if (event instanceof Error) return { kind: 'altered-event', stream, sequence, detail: `it can't be read: ${event.message}` };
    return this.whole ? { kind: 'row-lost', stream, sequence, detail: about(event) } : undefined;
  }

  /** The chain at a row follows from the one before. Of a stream that forgets, only where the row before is still there. */
  private link({ sequence, chain }: Row, digest: Uint8Array | null): Finding | undefined {
    if (chain === null || digest === null) return undefined;
    const known = this.whole || Number(sequence) === this.linked + 1 ? this.chain : undefined;
    this.linked = Number(sequence);
    this.chain = known === undefined ? chain : chainOf(known, digest);
    if (Buffer.compare(chain, this.chain) === 0) return undefined;
    const detail = 'a row before it was altered together with its hash, or rows were taken away';
    return { kind: 'broken-chain', stream: this.options.stream, sequence: Number(sequence), detail };
  }

  /** What the checkpoints say that lie before a sequence. */
  private marks(before: Sequence): Finding | undefined {
    const { checkpoints, stream } = this.options;
    // Built anew, the rows of a stream that forgets begin their chain elsewhere.
    if (!this.whole) return undefined;
    for (let checkpoint = checkpoints[this.next]; checkpoint !== undefined; checkpoint = checkpoints[this.next]) {
      const mark = checkpoint.streams[stream];
      if (mark.sequence >= before) return undefined;
      this.next += 1;
      if (this.chain === undefined) continue;
      const finding = markFinding(checkpoint, stream, mark, Buffer.from(this.chain).toString('hex'));
      if (finding) return finding;
    }
    return undefined;
  }
}

/** Compares a stretch of a stream, byte for byte, with what was projected and with what was signed. Names the first thing wrong. */
export const verifyStretch = (options: WalkOptions): Promise<Walked> => new Walk(options).go();
