import { randomUUID } from 'node:crypto';
import type { AppendWrite, Appended, Guard, Moved, Sequence, StreamName } from '#libs/log';
import { EventTooLarge, LogUnavailable, neededGuards } from '#libs/log';
import type { Metrics } from '#libs/runtime';
import { AppendMetrics } from './append-metrics.js';
import type { Lookups } from './lookups.js';
import type { LogObserver } from './observer.js';
import type { Seen } from './seen.js';
import type { Outcome } from './send.js';
import { sendBatch, sendSingle } from './send.js';
import { MAX_MESSAGE } from './stream-settings.js';
import type { Wire } from './wire.js';
import { AnswerLost } from './wire.js';

/** Bounds of a writer. */
export interface AppenderOptions {
  /** The longest time between two attempts. */
  readonly longestWaitMs: number;
  /** How long the answer to one message or batch is waited for. */
  readonly answerMs: number;
  /** How long an append waits for a log that does not answer, before LogUnavailable. */
  readonly patienceMs: number;
  /** Appends and bytes that may wait; more are refused with LogUnavailable. */
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  /** Told what becomes of what is sent. */
  readonly observer: LogObserver;
  readonly metrics: Metrics;
}

/** One append on its way. */
interface Job {
  readonly writes: readonly AppendWrite[];
  readonly guards: readonly Guard[];
  readonly bytes: number;
  readonly deadline: number;
  /** An answer was lost: the writes may be stored. */
  uncertain: boolean;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

const IN_FLIGHT = 2;
const BATCH_WRITES = 256;
/** The server takes 1,000 messages a batch. */
const BATCH_MESSAGES = 1_000;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Up to this many single writes go alone: a batch costs four fsyncs, a message one. */
const SINGLES = 3;
/** Batches that failed this often are taken apart. */
const ROUNDS = 3;
/** After a conflict, this many batches are compared with the log before they are sent. */
const WARY = 16;
/** What a message's headers may take of its size. */
const HEADER_ROOM = 16 * 1024;
const MAX_BODY = MAX_MESSAGE - HEADER_ROOM;

/** Why something was not stored. */
interface NotStored {
  readonly text: string;
  readonly isFull: boolean;
}

/** What became of what was sent. */
type Sent = 'settled' | 'conflict' | NotStored;

const UNREACHABLE: NotStored = { text: 'the log can not be reached', isFull: false };

const messages = (job: Job): number => job.writes.length + job.guards.length;
const expectations = ({ writes, guards }: Job): readonly { readonly subject: string; readonly expected: Sequence }[] => [
  ...writes,
  ...guards,
];

/**
 * The writer of one stream: groups what arrives while earlier batches are in flight into atomic batches, so that many
 * appends share the few fsyncs of one. No two appends in flight write the same subject: within a process, conflicts
 * are found in memory.
 */
export class Appender {
  private queue: Job[] = [];
  /** Appends that wait for a subject which is in flight. */
  private readonly parked = new Map<string, Job[]>();
  private readonly busy = new Set<string>();
  private readonly waiting = new Set<Job>();
  private queuedBytes = 0;
  private inFlight = 0;
  private wary = 0;
  private scheduled = false;
  private readonly metrics: AppendMetrics;
  private readonly unasked: () => void;

  constructor(
    private readonly wire: Wire,
    private readonly stream: StreamName,
    private readonly lookups: Lookups,
    private readonly seen: Seen,
    private readonly options: AppenderOptions,
  ) {
    this.metrics = new AppendMetrics(options.metrics, stream);
    this.unasked = this.metrics.waiting(() => this.waiting.size);
  }

  async append(writes: readonly AppendWrite[], guards: readonly Guard[]): Promise<Appended> {
    const needed = neededGuards(writes, guards);
    if (writes.length === 0) return { sequences: [] };
    const bytes = this.measure(writes, needed);
    if (this.wire.closed) throw new LogUnavailable('the log is closed');
    if (this.waiting.size >= this.options.maxQueued || this.queuedBytes + bytes > this.options.maxQueuedBytes) {
      throw new LogUnavailable(`${this.waiting.size} appends to ${this.stream} are waiting already`, { reason: 'Overloaded' });
    }
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.options.patienceMs;
      const job: Job = { writes, guards: needed, bytes, deadline, uncertain: false, resolve, reject };
      this.waiting.add(job);
      this.queuedBytes += bytes;
      this.queue.push(job);
      this.schedule();
    });
  }

  /** Fails what is still waiting. */
  close(): void {
    this.unasked();
    for (const job of [...this.waiting]) this.fail(job, { text: 'the log is closed', isFull: false });
  }

  private measure(writes: readonly AppendWrite[], guards: readonly Guard[]): number {
    if (writes.length + guards.length > BATCH_MESSAGES) throw new RangeError(`an append of more than ${BATCH_MESSAGES} messages`);
    let bytes = 0;
    for (const { body, subject } of writes) {
      if (body.length > MAX_BODY) throw new EventTooLarge(subject, body.length, MAX_BODY);
      bytes += body.length + 1_024;
    }
    return bytes;
  }

  /** After the poll phase: what arrived on other sockets meanwhile shares the batch. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    while (this.inFlight < IN_FLIGHT && this.queue.length > 0) {
      const jobs = this.take();
      if (jobs.length === 0) continue;
      this.inFlight++;
      void this.carry(jobs).finally(() => {
        this.release(jobs);
        this.inFlight--;
        this.schedule();
      });
    }
  }

  /** The next batch. Settles on the way what is known to be in conflict, and parks what must wait for a subject. */
  private take(): Job[] {
    const jobs: Job[] = [];
    let [writes, count, bytes, at] = [0, 0, 0, 0];
    for (; at < this.queue.length; at++) {
      const job = this.queue[at];
      if (!job || !this.waiting.has(job) || this.rejectKnown(job)) continue;
      const blocked = expectations(job).find(({ subject }) => this.busy.has(subject));
      if (blocked) {
        const parked = this.parked.get(blocked.subject);
        if (parked) parked.push(job);
        else this.parked.set(blocked.subject, [job]);
        continue;
      }
      const full = writes + job.writes.length > BATCH_WRITES || count + messages(job) > BATCH_MESSAGES || bytes + job.bytes > BATCH_BYTES;
      if (full && jobs.length > 0) break;
      for (const { subject } of job.writes) this.busy.add(subject);
      jobs.push(job);
      writes += job.writes.length;
      count += messages(job);
      bytes += job.bytes;
    }
    this.queue = this.queue.slice(at);
    return jobs;
  }

  /** Answers an append whose expectation is below what has been seen. */
  private rejectKnown(job: Job): boolean {
    if (job.uncertain) return false;
    const moved = expectations(job).flatMap(({ subject, expected }): Moved[] => {
      const actual = this.seen.of(subject);
      return actual !== undefined && actual > expected ? [{ subject, expected, actual }] : [];
    });
    if (moved.length > 0) this.settle(job, { moved });
    return moved.length > 0;
  }

  /** Sends appends until each is settled. Never rejects. */
  private async carry(jobs: readonly Job[]): Promise<void> {
    let rest = jobs;
    let [conflicts, waits] = [0, 0];
    let why = UNREACHABLE;
    let isExamined = false;
    while ((rest = this.patient(rest, why)).length > 0) {
      try {
        if (!this.wire.connected) {
          await this.wire.changed(this.timeLeft(rest));
          continue;
        }
        if (!isExamined && (this.wary > 0 || rest.some(({ uncertain }) => uncertain))) {
          this.wary = Math.max(0, this.wary - 1);
          rest = await this.examine(rest, false);
        }
        const outcomes = conflicts >= ROUNDS ? await this.sendApart(rest) : await this.send(rest);
        isExamined = false;
        if (outcomes.includes('conflict')) {
          this.wary = WARY;
          rest = await this.examine(rest, true);
          isExamined = true;
          if (conflicts++ >= ROUNDS) await this.pause(waits++);
        }
        const refused = outcomes.find((outcome) => typeof outcome !== 'string');
        if (refused !== undefined) {
          why = refused;
          await this.pause(waits++);
        }
      } catch (error) {
        why = { text: error instanceof Error ? error.message : String(error), isFull: false };
        if (!(error instanceof AnswerLost)) for (const job of rest) this.settle(job, error instanceof Error ? error : new Error(why.text));
        await this.pause(waits++);
      }
    }
  }

  /** Those not settled yet; those whose time is over are told so. */
  private patient(jobs: readonly Job[], why: NotStored): readonly Job[] {
    const now = performance.now();
    for (const job of jobs) if (this.waiting.has(job) && job.deadline <= now) this.fail(job, why);
    return jobs.filter((job) => this.waiting.has(job));
  }

  private timeLeft(jobs: readonly Job[]): number {
    return Math.max(1, Math.min(...jobs.map(({ deadline }) => deadline)) - performance.now());
  }

  private pause(waits: number): Promise<void> {
    const longest = Math.min(this.options.longestWaitMs, 20 * 2 ** Math.min(waits, 6));
    return new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
  }

  /** All together as one batch; a few single writes each alone. */
  private async send(jobs: readonly Job[]): Promise<readonly Sent[]> {
    if (jobs.length === 0) return [];
    if (jobs.length <= SINGLES && jobs.every((job) => messages(job) === 1)) return this.sendApart(jobs);
    return [await this.sendTogether(jobs)];
  }

  private sendApart(jobs: readonly Job[]): Promise<readonly Sent[]> {
    return Promise.all(
      jobs.map(async (job) => {
        const [write] = job.writes;
        if (messages(job) > 1 || !write) return this.sendTogether([job]);
        const sent = performance.now();
        return this.conclude([job], await sendSingle(this.wire, write, this.options.answerMs), sent);
      }),
    );
  }

  private async sendTogether(jobs: readonly Job[]): Promise<Sent> {
    const guards = new Map(jobs.flatMap((job) => job.guards.map((guard) => [`${guard.subject} ${guard.expected}`, guard] as const)));
    const writes = jobs.flatMap((job) => job.writes);
    const sent = performance.now();
    return this.conclude(
      jobs,
      await sendBatch(this.wire, randomUUID(), { writes, guards: [...guards.values()], withinMs: this.options.answerMs }),
      sent,
    );
  }

  /** Settles what was stored. Says `settled`, `conflict`, or why it could not be stored now. */
  private conclude(jobs: readonly Job[], outcome: Outcome, sent: number): Sent {
    const { observer } = this.options;
    if (outcome.kind !== 'stored') this.metrics.unstored(outcome.kind);
    // Of several servers one may refuse that leads no more, while another stores what was sent: whether it did is looked up from then on.
    if (outcome.kind === 'lost' || (outcome.kind !== 'stored' && this.lookups.replicas > 1)) for (const job of jobs) job.uncertain = true;
    switch (outcome.kind) {
      case 'stored': {
        this.wire.answered();
        const ms = performance.now() - sent;
        observer.stored(ms);
        let next = outcome.first;
        for (const job of jobs) {
          this.stored(job, next);
          next += job.writes.length;
        }
        this.metrics.stored(next - outcome.first, ms);
        return 'settled';
      }
      case 'conflict':
        return 'conflict';
      case 'refused': {
        const { why: text, isFull = false } = outcome;
        observer.refused(isFull ? 'NoSpace' : 'Other', text);
        return { text, isFull };
      }
      case 'lost':
        if (this.wire.connected) observer.refused('NoAnswer', outcome.why);
        return { text: outcome.why, isFull: false };
    }
  }

  private stored(job: Job, first: Sequence): void {
    for (const [i, { subject }] of job.writes.entries()) this.seen.note(subject, first + i);
    this.settle(job, { sequences: job.writes.map((_, i) => first + i) });
  }

  /**
   * Compares appends with the log in one request: settles those that were stored although no answer came, and those
   * whose subjects moved. `all` looks at every subject, otherwise at those not seen to stand as expected.
   */
  private async examine(jobs: readonly Job[], all: boolean): Promise<readonly Job[]> {
    const pending = jobs.filter((job) => this.waiting.has(job));
    const subjects = new Set<string>();
    for (const job of pending) {
      for (const { subject, expected } of expectations(job)) {
        if (all || job.uncertain || this.seen.of(subject) !== expected) subjects.add(subject);
      }
    }
    if (subjects.size === 0) return pending;
    const found = await this.lookups.lastOfMany(this.stream, [...subjects]);
    for (const subject of subjects) {
      const last = found.get(subject);
      if (last) this.seen.note(subject, last.sequence);
      else this.seen.forget(subject);
    }
    for (const job of pending) {
      if (job.uncertain && (await this.settleIfStored(job, found))) continue;
      const moved = expectations(job).flatMap(({ subject, expected }): Moved[] => {
        const actual = subjects.has(subject) ? (found.get(subject)?.sequence ?? 0) : expected;
        return actual === expected ? [] : [{ subject, expected, actual }];
      });
      if (moved.length === 0) continue;
      this.wary = WARY;
      this.settle(job, { moved });
    }
    return pending.filter((job) => this.waiting.has(job));
  }

  /** An append is stored whole or not at all, without a gap: its first write speaks for all. */
  private async settleIfStored(
    job: Job,
    found: ReadonlyMap<string, { readonly sequence: Sequence; readonly id: string | undefined }>,
  ): Promise<boolean> {
    const [write] = job.writes;
    const last = write && found.get(write.subject);
    if (!write || !last || last.sequence === write.expected) return false;
    if (last.id === write.meta.id) {
      this.stored(job, last.sequence);
      return true;
    }
    const next = await this.lookups.firstAfter(this.stream, write.subject, write.expected);
    if (next?.meta.id !== write.meta.id) return false;
    this.stored(job, next.sequence);
    return true;
  }

  private fail(job: Job, { text, isFull }: NotStored): void {
    this.settle(job, new LogUnavailable(`appending to ${this.stream}: ${text}`, { reason: isFull ? 'NoSpace' : 'Unreachable' }));
  }

  private settle(job: Job, result: Appended | Error): void {
    if (!this.waiting.delete(job)) return;
    this.queuedBytes -= job.bytes;
    if (result instanceof Error) job.reject(result);
    else job.resolve(result);
  }

  /** Frees the subjects of appends that are settled, and wakes what waited for them. */
  private release(jobs: readonly Job[]): void {
    const awake: Job[] = [];
    for (const job of jobs) {
      for (const { subject } of job.writes) {
        this.busy.delete(subject);
        const parked = this.parked.get(subject);
        if (!parked) continue;
        this.parked.delete(subject);
        awake.push(...parked);
      }
    }
    if (awake.length > 0) this.queue = [...awake, ...this.queue];
  }
}
