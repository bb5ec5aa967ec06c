import type { Msg } from 'nats';
import { markSubject, parseLost, type LostSequences, type Recorded, type Sequence, type StreamName } from '#libs/log';
import { headersOf, headersOfBlock, recordedOf } from './message.js';
import { sendMark } from './send.js';
import { streamName } from './stream-settings.js';
import type { Wire } from './wire.js';
import { followedByMost, Trust } from './quorum.js';
import { AnswerLost, answerWithinMs, json } from './wire.js';

/** The last message of a subject: where it stands, and the `id` of its event. */
export interface Found {
  readonly sequence: Sequence;
  readonly id: string | undefined;
}

interface MessageAnswer {
  readonly message?: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string };
}

interface InfoAnswer {
  /** When the server answered. */
  readonly ts?: string;
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly name: string;
      readonly current?: boolean;
      readonly offline?: boolean;
      readonly active: number;
    }[];
  };
  readonly config?: { readonly num_replicas?: number; readonly metadata?: Readonly<Record<string, string>> };
  readonly state?: { readonly first_seq: number; readonly last_seq: number; readonly messages: number; readonly bytes: number };
  readonly error?: { readonly description: string };
}

const NO_MESSAGE = 10037;
/** The server answers at most 1,024 subjects at once. */
const SUBJECTS = 1_000;

/** An answer of the JetStream API. Throws AnswerLost where the server has none to give just now. */
function parsed<T extends { readonly error?: { readonly description: string } }>(message: Msg): T {
  if (message.data.length === 0) throw new AnswerLost(`status ${message.headers?.code ?? 'unknown'} of JetStream`);
  return message.json<T>();
}

/** What a stream says of itself. */
export interface Bounds {
  readonly first: Sequence;
  /** 0 while it is empty. */
  readonly last: Sequence;
  /** Up to here messages may have been archived; 0 where none were. */
  readonly archived: Sequence;
  /** Sequences that a cluster which is gone may have given out; absent: none. */
  readonly lost?: LostSequences;
  /** How many of its sequences hold no message any more. */
  readonly missing: number;
  /** Of all its messages. */
  readonly bytes: number;
  /** How many servers keep it. */
  readonly copies: number;
}

/** What one server keeps of a stream. */
export interface Copy {
  readonly server: string;
  /** It takes the writes, and answers for the stream. */
  readonly isLeader: boolean;
  /** It is there, and has what the leader has. */
  readonly isCurrent: boolean;
}

/** Signs of life of the log's server. */
export interface LogSigns {
  readonly roundTripMs: number;
  /** How far the server's clock is ahead of this process'; undefined where it does not say. Right to half a round trip. */
  readonly aheadMs: number | undefined;
  /** Where `state` ends. */
  readonly last: Sequence;
}

/** Where the streams' metadata says how far they were archived. */
export const ARCHIVED = 'decklog-archived';
/** Where it says which sequences were left out when the stream was restored from a backup. */
export const RESTORED = 'decklog-restored';

/** What a stream says of itself. Throws AnswerLost where no answer comes. */
async function infoOf(
  wire: Wire,
  name: string,
  replicas: number,
): Promise<InfoAnswer & { readonly state: NonNullable<InfoAnswer['state']> }> {
  const message = await wire.request(`$JS.API.STREAM.INFO.${name}`, new Uint8Array(), answerWithinMs(replicas));
  const { state, ...answer } = parsed<InfoAnswer>(message);
  if (state) return { state, ...answer };
  wire.unanswered();
  throw new AnswerLost(answer.error?.description ?? 'stream info without a state');
}

function boundsIn({ config, state }: Awaited<ReturnType<typeof infoOf>>): Bounds {
  const { first_seq: first, last_seq: last, messages, bytes } = state;
  const lost = parseLost(config?.metadata?.[RESTORED]);
  return {
    first,
    last,
    archived: Number(config?.metadata?.[ARCHIVED] ?? 0),
    ...(lost ? { lost } : {}),
    missing: last - messages,
    bytes,
    copies: config?.num_replicas ?? 1,
  };
}

/**
 * What the stream of a name says of itself. Throws AnswerLost where no answer comes, and where several servers keep it and the one that
 * answers does not lead most of them: who does not know what it holds says that it is empty.
 */
export async function boundsOf(wire: Wire, name: string): Promise<Bounds> {
  const answer = await infoOf(wire, name, 1);
  const { config: { num_replicas: copies = 1 } = {}, cluster = {} } = answer;
  if (copies > 1 && (!cluster.leader || !followedByMost(cluster, copies))) throw new AnswerLost('no server leads the stream');
  return boundsIn(answer);
}

/** Point reads of the streams, answered by the leader. All throw AnswerLost where no answer comes. */
export class Lookups {
  private readonly trust: Readonly<Record<StreamName, Trust>> = { state: new Trust(), lease: new Trust(), event: new Trust() };

  constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
    readonly replicas: number,
  ) {}

  /** Whether the leader of `state` answers in time, and what can be seen by that. */
  async signs(timeoutMs: number): Promise<LogSigns> {
    const sent = performance.now();
    const subject = `$JS.API.STREAM.INFO.${streamName(this.cluster, 'state')}`;
    const { ts, state, error } = parsed<InfoAnswer>(await this.wire.request(subject, new Uint8Array(), timeoutMs));
    const roundTripMs = performance.now() - sent;
    if (!state) throw new AnswerLost(error?.description ?? 'stream info without a state');
    const aheadMs = ts === undefined ? undefined : Date.parse(ts) - (Date.now() - roundTripMs / 2);
    return { roundTripMs, aheadMs, last: state.last_seq };
  }

  /** The servers that keep a stream; none is named where there is but one. */
  async copies(stream: StreamName): Promise<readonly Copy[]> {
    const subject = `$JS.API.STREAM.INFO.${streamName(this.cluster, stream)}`;
    const { cluster, state, error } = parsed<InfoAnswer>(await this.wire.request(subject, new Uint8Array(), answerWithinMs(this.replicas)));
    if (!state) throw new AnswerLost(error?.description ?? 'stream info without a state');
    const leader = cluster?.leader === undefined ? [] : [{ server: cluster.leader, isLeader: true, isCurrent: true }];
    const others = (cluster?.replicas ?? []).map(({ name, current = false, offline = false }): Copy => {
      return { server: name, isLeader: false, isCurrent: current && !offline };
    });
    // A server that is alone may name itself, and of consumers it does not.
    return others.length === 0 ? [] : [...leader, ...others].sort((a, b) => (a.server < b.server ? -1 : 1));
  }

  /**
   * Where a stream begins and ends: not before what was acknowledged when it was asked for. Of several servers the one that leads may
   * lead no more; where that is not known by what it says, something is stored, for which it needs most of them. Throws AnswerLost.
   */
  async bounds(stream: StreamName): Promise<Bounds> {
    const { wire, replicas } = this;
    const name = streamName(this.cluster, stream);
    const trust = this.trust[stream];
    const asked = performance.now();
    const answer = await infoOf(wire, name, replicas);
    if (replicas === 1 || trust.holds(answer.cluster ?? {}, replicas, asked, performance.now())) {
      wire.answered();
      return boundsIn(answer);
    }
    if (!followedByMost(answer.cluster ?? {}, replicas)) {
      wire.elsewhere();
      throw new AnswerLost('the server that leads the stream has not heard of the others');
    }
    const sent = performance.now();
    const mark = await sendMark(wire, markSubject(this.cluster, stream), answerWithinMs(replicas));
    if (mark.kind !== 'stored') throw new AnswerLost(mark.kind === 'conflict' ? 'a conflict without an expectation' : mark.why);
    const after = await infoOf(wire, name, replicas);
    if (after.state.last_seq < mark.first) throw new AnswerLost('the server that answers for the stream lacks what was just stored');
    trust.begin(after.cluster ?? {}, sent);
    wire.answered();
    return boundsIn(after);
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.led(stream, () => this.fetch(stream, { last_by_subj: subject }));
  }

  /** Where the newest message of a selection (absent: of all there is) stands, 0 where there is none. */
  async newest(stream: StreamName, subjects: readonly string[] = [`decklog.${this.cluster}.${stream}.>`]): Promise<Sequence> {
    const found = await this.led(stream, () => Promise.all(subjects.map((subject) => this.message(stream, { last_by_subj: subject }))));
    return Math.max(0, ...found.map((message) => message?.seq ?? 0));
  }

  /** The first event of a subject after a sequence. */
  firstAfter(stream: StreamName, subject: string, after: Sequence): Promise<Recorded | undefined> {
    return this.led(stream, () => this.fetch(stream, { seq: after + 1, next_by_subj: subject }));
  }

  /** The last messages of many subjects; those without one are left out. With one server in one request, else each from the leader. */
  async lastOfMany(stream: StreamName, subjects: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    if (this.replicas > 1) {
      const each = subjects.map((subject) => () => this.fetch(stream, { last_by_subj: subject }));
      const events = await this.led(stream, () => Promise.all(each.map((ask) => ask())));
      for (const event of events) if (event) found.set(event.subject, { sequence: event.sequence, id: event.meta.id });
      return found;
    }
    for (let at = 0; at < subjects.length; at += SUBJECTS) {
      const asked = json({ multi_last: subjects.slice(at, at + SUBJECTS) });
      const messages = await this.wire.requestMany(
        `$JS.API.DIRECT.GET.${streamName(this.cluster, stream)}`,
        asked,
        answerWithinMs(this.replicas),
      );
      this.take(messages, found);
    }
    return found;
  }

  /**
   * What the server answers that leads the stream. It was trusted before and is afterwards; or it had what most servers stored before it
   * was asked, and still answers for the stream afterwards, on the same connection.
   */
  private async led<T>(stream: StreamName, ask: () => Promise<T>): Promise<T> {
    if (this.replicas === 1) return ask();
    const trust = this.trust[stream];
    const { grant } = trust;
    const answer = await ask();
    await this.bounds(stream);
    if (trust.grant === grant) return answer;
    const { leader } = trust;
    const { id } = this.wire.server;
    const again = await ask();
    await this.bounds(stream);
    if (trust.leader === leader && this.wire.server.id === id) return again;
    throw new AnswerLost('another server leads the stream, or was connected to meanwhile');
  }

  private take(messages: readonly Msg[], found: Map<string, Found>): void {
    for (const message of messages) {
      const headers = headersOf(message);
      const code = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
      if (code === 204 || code === 404) return;
      if (code !== 0) throw new AnswerLost(`status ${code} ${message.headers?.description ?? ''} of a direct get`);
      found.set(headers.get('Nats-Subject') ?? '', { sequence: Number(headers.get('Nats-Sequence')), id: headers.get('Dl-Id') });
    }
  }

  /** Whether the server gives out the message of a sequence. */
  async holds(stream: StreamName, sequence: Sequence): Promise<boolean> {
    return (await this.message(stream, { seq: sequence })) !== undefined;
  }

  private async fetch(stream: StreamName, query: unknown): Promise<Recorded | undefined> {
    const message = await this.message(stream, query);
    if (!message) return undefined;
    const body = Uint8Array.from(Buffer.from(message.data ?? '', 'base64'));
    const headers = headersOfBlock(Buffer.from(message.hdrs ?? '', 'base64'));
    return recordedOf(stream, message.seq, message.subject, Date.parse(message.time), headers, body);
  }

  private async message(stream: StreamName, query: unknown): Promise<MessageAnswer['message']> {
    const subject = `$JS.API.STREAM.MSG.GET.${streamName(this.cluster, stream)}`;
    const { message, error } = parsed<MessageAnswer>(await this.wire.request(subject, json(query), answerWithinMs(this.replicas)));
    if (error?.err_code === NO_MESSAGE) return undefined;
    if (!message) throw new AnswerLost(error?.description ?? 'a message get without a message');
    return message;
  }
}
