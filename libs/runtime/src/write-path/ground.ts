import { StatusError, tryAgainLater, type GroupVersionResource } from '#libs/apimachinery';
import {
  encodeObject,
  EventTooLarge,
  formatPlace,
  LogUnavailable,
  subjectOf,
  type AppendWrite,
  type EventLog,
  type Moved,
  type Sequence,
  type StreamName,
} from '#libs/log';
import type { Call, CallAnswer, ClusterSettings, Known, Need, NotThereYet, PlannedWrite, WriteContext, WriteRequest } from '#libs/registry';
import { systemTimers, type Timers } from '../controller/timers.js';
import type { StateView, World } from '../ports.js';
import { ReadBarrier } from './barrier.js';
import { eventMeta } from './event-meta.js';
import { generatesName, randomSuffix } from './naming.js';
import { verifiesSignature } from './signature.js';

/** A view that also remembers where deleted objects ended, so that their names can be taken again without a failed attempt. */
export interface WriteView extends StateView {
  readonly tombstone?: (resource: GroupVersionResource, namespace: string, name: string) => Sequence | undefined;
}

/** What the write path is carried out with. */
export interface WritePathOptions {
  readonly log: EventLog;
  readonly view: WriteView;
  readonly settings: ClusterSettings;
  readonly world: World;
  /** The cluster's id, a token of every subject. */
  readonly cluster: string;
  /** Calls webhooks; absent: a write that needs one is refused as if it were down. */
  readonly caller?: WebhookCaller;
  /** How long a write waits for the view to catch up, in milliseconds; 10 s unless set. */
  readonly patienceMs?: number;
  /** Node's own unless set. */
  readonly timers?: Timers;
}

/** Makes the calls that admission needs. Never rejects: what went wrong is an answer. */
export interface WebhookCaller {
  call(call: Call): Promise<CallAnswer>;
}

/** Upstream's patches try five times; here a lost race is cheap, and of so many writers of one object each has its turn. */
export const MOST_ATTEMPTS = 100;
/** How often a generated name that is taken is drawn anew. */
export const MOST_NAMES = 8;
/** Of webhooks and their reinvocations, in all attempts of one write. */
const MOST_CALLS = 1_000;
const CALLS_AT_ONCE = 64;
const PATIENCE_MS = 10_000;
/** As long as upstream looks for a new namespace's default account. */
const MOMENT_MS = 250;
const RETRY_AFTER_SECONDS = 1;

/** Refusals that a newer state could turn around: they are given only when the view is known to be current. */
const DEPENDS_ON_STATE = new Set(['NotFound', 'AlreadyExists', 'Conflict', 'Forbidden', 'Invalid', 'TooManyRequests', 'InternalError']);

/** Whether a newer state could turn a refusal around. */
export const dependsOnState = ({ reason }: StatusError): boolean => DEPENDS_ON_STATE.has(reason);

/** What nodes write of themselves and report, all the time: each a beginning of its own, else they would be a chain without end. */
const SIGNS_OF_LIFE = new Set(['nodes', 'leases', 'csinodes', 'events']);

/** Where an answer stands in a chain; without a cause of its own it has that of the first write of its request. */
interface AnsweredChain {
  readonly root: string;
  readonly cause?: string;
}

/** What an operation's admission has been told so far. */
export interface Asked {
  readonly answers: Map<string, CallAnswer>;
}

/** What writes stand on: the state they are decided on, the log they go to, and what both need of the world. */
export class Ground {
  readonly known: Known;
  readonly timers: Timers;
  readonly #barrier: ReadBarrier;

  constructor(readonly options: WritePathOptions) {
    const { log, view, timers = systemTimers } = options;
    this.timers = timers;
    this.#barrier = new ReadBarrier(log, view);
    this.known = {
      object: (resource, namespace, name) => view.entry(resource, namespace, name) ?? null,
      list: (resource, namespace) => view.list(resource, namespace),
      verifies: verifiesSignature,
      get catalog() {
        return view.catalog.current;
      },
      answer: () => undefined,
    };
  }

  /** What a request's decision needs of time and chance. */
  draw(request: WriteRequest): WriteContext {
    const { now, uuid, random } = this.options.world;
    return { now: now(), uid: uuid(), suffix: generatesName(request) ? randomSuffix(random) : '', draw: random() };
  }

  /** Calls webhooks, many at once. The view knows everything else there is. */
  async call(asked: readonly (readonly [needs: readonly Need[], of: Asked])[]): Promise<void> {
    const all = asked.flatMap(([needs, { answers }]) => {
      const calls = needs.flatMap((need) => (need.kind === 'calls' ? need.calls : []));
      if (calls.length === 0) throw new Error('the state view knows everything there is, and yet more was needed');
      if (answers.size + calls.length > MOST_CALLS) throw new StatusError('InternalError', 'too many webhooks to call for one write');
      return calls.map((call) => ({ call, answers }));
    });
    const { caller } = this.options;
    let next = 0;
    const work = async (): Promise<void> => {
      for (let one = all[next++]; one; one = all[next++]) {
        const { call, answers } = one;
        answers.set(call.key, caller ? await caller.call(call) : { failure: 'no webhooks are called here' });
      }
    };
    await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, all.length) }, work));
  }

  /** Gives an object that a controller is about to make its moment: true when it is there. */
  async appeared({ awaited: { resource, namespace, name } }: NotThereYet): Promise<boolean> {
    const { view } = this.options;
    const there = (): boolean => view.entry(resource, namespace, name) !== undefined;
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        stop();
        resolve(there());
      };
      const cancel = this.timers.after(MOMENT_MS, finish);
      const stop = view.subscribe(() => {
        if (there()) finish();
      });
      if (there()) finish();
    });
  }

  /** Brings the view to what the log holds now: true where it may have changed. */
  async madeCurrent(stream: StreamName): Promise<boolean> {
    const { view } = this.options;
    const before = view.position;
    const streams = [...new Set([stream, 'state' as const])];
    await this.#patiently((signal) => Promise.all(streams.map((each) => this.#barrier.pass(each, signal))));
    const after = view.position;
    return after[stream] !== before[stream] || after.state !== before.state;
  }

  /** Waits until the view holds a sequence of `state`; 0: not at all. */
  async seen(sequence: Sequence): Promise<void> {
    if (sequence > 0) await this.#patiently((signal) => this.options.view.reached('state', sequence, signal));
  }

  /** Waits until the view holds what made an append fail, and remembers the ends of subjects it has no object for. */
  async caughtUp(stream: StreamName, moved: readonly Moved[], ends: Map<string, Sequence>): Promise<void> {
    await this.#patiently(async (signal) => {
      for (const { subject, actual } of moved) {
        await this.options.view.reached(stream, actual, signal);
        ends.set(subject, actual);
      }
    });
  }

  subjectOf({ definition, object }: Pick<PlannedWrite, 'definition' | 'object'>): string {
    const resource = definition.storage?.resource ?? definition.resource;
    const { namespace = '', name = '' } = object.metadata;
    return subjectOf(this.options.cluster, definition.stream, resource, namespace, name);
  }

  /** A planned write as the log takes it. `own`: it is of the request's own object. `ends`: as the log said where the view has no object. */
  appendWrite(request: WriteRequest, write: PlannedWrite, own: boolean, ends: ReadonlyMap<string, Sequence>): AppendWrite {
    const { definition, object, type, previous } = write;
    const resource = definition.storage?.resource ?? definition.resource;
    const { namespace = '', name = '' } = object.metadata;
    const { view, world } = this.options;
    const subject = this.subjectOf(write);
    // A stream that forgets by age may have forgotten what an object is: it is there nevertheless until it is deleted.
    const isForgotten = definition.stream !== 'state' && ends.get(subject) === 0;
    const expected = previous > 0 && !isForgotten ? previous : (ends.get(subject) ?? view.tombstone?.(resource, namespace, name) ?? 0);
    const chain = this.#answered(request, own);
    const meta = eventMeta(request, { type, previous, own, id: world.uuid(), ...(chain ? { chain } : {}) });
    return { subject, expected, meta, body: encodeObject(object) };
  }

  /** A node does what an object asks of it: what it writes of that goes on the chain that the object's newest event belongs to. */
  #answered({ definition, namespace = '', name = '', requester }: WriteRequest, own: boolean): AnsweredChain | undefined {
    if (requester.answers !== true || requester.root !== undefined || SIGNS_OF_LIFE.has(definition.resource.resource)) return undefined;
    const resource = definition.storage?.resource ?? definition.resource;
    const entry = this.options.view.entry(resource, definition.scope === 'Cluster' ? '' : namespace, name);
    if (entry === undefined) return undefined;
    const cause = formatPlace(definition.stream, entry.sequence);
    const root = entry.root ?? cause;
    return own ? { root, cause } : { root };
  }

  /** Waits for the view, for as long as a write may. */
  async #patiently<T>(wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const impatience = new AbortController();
    const giveUp = (): void =>
      impatience.abort(new LogUnavailable('the state did not catch up with the log in time', { reason: 'Behind' }));
    const cancel = this.timers.after(this.options.patienceMs ?? PATIENCE_MS, giveUp);
    try {
      return await wait(impatience.signal);
    } finally {
      cancel();
    }
  }
}

/** 503 for whoever asks while the log can't be written, 413 for what it doesn't take; anything else as it is. */
export function unavailableAs503(thrown: unknown): unknown {
  if (thrown instanceof EventTooLarge) {
    return new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${thrown.limit}`, undefined, { cause: thrown });
  }
  if (!(thrown instanceof LogUnavailable)) return thrown;
  const why = thrown.reason === 'NoSpace' ? 'the event log has no space left' : 'the event log is unavailable';
  const error = tryAgainLater('ServiceUnavailable', `${why}, please try again later`, RETRY_AFTER_SECONDS);
  return new StatusError(error.reason, error.message, error.details, { cause: thrown });
}
