import {
  alreadyExists,
  conflict,
  OPTIMISTIC_LOCK,
  StatusError,
  tryAgainLater,
  type GroupVersionResource,
  type KubeObject,
} from '#libs/apimachinery';
import { encodeObject, LogUnavailable, subjectOf, type AppendWrite, type EventLog, type Moved, type Sequence } from '#libs/log';
import {
  decideWrite,
  NotThereYet,
  type AdmissionStep,
  type Call,
  type CallAnswer,
  type ClusterSettings,
  type Known,
  type Need,
  type PlannedWrite,
  type WriteContext,
  type WriteRequest,
} from '#libs/registry';
import type { StateView, World, WritePath, WriteResult } from '../ports.js';
import { ReadBarrier } from './barrier.js';
import { behind, eventMeta } from './event-meta.js';
import { generatesName, randomSuffix } from './naming.js';
import { verifiesSignature } from './signature.js';
import { isShared, Rounds, sharedOf, type Round } from './rounds.js';

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
}

/** Makes the calls that admission needs. Never rejects: what went wrong is an answer. */
export interface WebhookCaller {
  call(call: Call): Promise<CallAnswer>;
}

/** Upstream's patches try five times; here a lost race is cheap, and of so many writers of one object each has its turn. */
const MOST_ATTEMPTS = 100;
const MOST_NAMES = 8;
/** Of webhooks and their reinvocations, in all attempts of one write. */
const MOST_CALLS = 1_000;
const PATIENCE_MS = 10_000;
/** As long as upstream looks for a new namespace's default account. */
const MOMENT_MS = 250;
const RETRY_AFTER_SECONDS = 1;

/** Refusals that a newer state could turn around: they are given only when the view is known to be current. */
const DEPENDS_ON_STATE = new Set(['NotFound', 'AlreadyExists', 'Conflict', 'Forbidden', 'Invalid', 'TooManyRequests', 'InternalError']);

/** What one execution has learned on the way. */
interface Progress {
  context: WriteContext;
  attempts: number;
  names: number;
  /** Where the log said that subjects end which the view does not hold. */
  readonly ends: Map<string, Sequence>;
  /** Whether the view has been made current since the request came. */
  current: boolean;
  /** Whether an object that was missing has been waited for. */
  waited: boolean;
  /** What the webhooks that were called have answered. */
  readonly answers: Map<string, CallAnswer>;
  /** The round that it is in and has not yet spoken in. */
  round: Round | undefined;
}

/**
 * Carries out writes: lets the registry decide on what the view holds, appends what it decided, and where somebody
 * else was faster waits for the view and decides again. What is refused because of the state is refused only on a
 * state that is current. Resolves when the write is durable; the view may not have reached it yet.
 */
export class WritePathEngine implements WritePath {
  readonly #barrier: ReadBarrier;
  readonly #known: Known;
  readonly #rounds: Rounds;

  constructor(private readonly options: WritePathOptions) {
    const { log, view } = options;
    this.#barrier = new ReadBarrier(log, view);
    this.#rounds = new Rounds((writes) => log.append('state', writes));
    this.#known = {
      object: (resource, namespace, name) => view.entry(resource, namespace, name) ?? null,
      list: (resource, namespace) => view.list(resource, namespace),
      verifies: verifiesSignature,
      get catalog() {
        return view.catalog.current;
      },
      answer: () => undefined,
    };
  }

  async execute(request: WriteRequest): Promise<WriteResult> {
    const progress: Progress = {
      context: this.#draw(request),
      attempts: 0,
      names: 0,
      ends: new Map(),
      current: false,
      waited: false,
      answers: new Map(),
      round: undefined,
    };
    try {
      for (;;) {
        const result = await this.#attempt(request, progress);
        if (result) return result;
      }
    } catch (thrown) {
      if (!(thrown instanceof LogUnavailable)) throw thrown;
      const error = tryAgainLater('ServiceUnavailable', 'the event log is unavailable, please try again later', RETRY_AFTER_SECONDS);
      throw new StatusError(error.reason, error.message, error.details, { cause: thrown });
    } finally {
      progress.round?.withdraw();
    }
  }

  /** Undefined: the state has moved on, and the same is to be tried again. */
  async #attempt(request: WriteRequest, progress: Progress): Promise<WriteResult | undefined> {
    const decided = this.#decide(request, progress);
    const shared = 'writes' in decided ? decided.writes.slice(1).filter(isShared) : [];
    if (progress.round && progress.round.key !== this.#keyOf(shared)) return this.#leave(progress);
    if ('need' in decided) {
      await this.#call(decided.need, progress);
      return undefined;
    }
    if (decided instanceof StatusError) {
      if (decided instanceof NotThereYet && (await this.#appeared(decided, progress))) return undefined;
      if (await this.#madeCurrent(request, progress, decided)) return undefined;
      throw decided;
    }
    const { writes, answer, code } = decided;
    const said = remarksOf(decided);
    if (writes.length === 0) {
      if (request.options.dryRun !== true && (await this.#madeCurrent(request, progress))) return undefined;
      return { code, object: answer, sequence: undefined, ...said };
    }
    const appended = shared.length > 0 ? await this.#inRound(request, writes, progress) : await this.#append(request, writes, progress);
    const [sequence] = appended;
    if (sequence === undefined) return undefined;
    return { code, object: answer.kind === 'Status' ? answer : versioned(answer, sequence), sequence, ...said };
  }

  #decide(request: WriteRequest, progress: Progress): AdmissionStep | StatusError {
    const { answers, round } = progress;
    const told = answers.size === 0 ? this.#known : { ...this.#known, answer: (key: string) => answers.get(key) };
    const known = round ? round.over(told) : told;
    try {
      return decideWrite(request, known, progress.context, this.options.settings);
    } catch (thrown) {
      if (thrown instanceof StatusError) return thrown;
      throw thrown;
    }
  }

  /** Calls webhooks, all at once. The view knows everything else there is. */
  async #call(needs: readonly Need[], { answers }: Progress): Promise<void> {
    const calls = needs.flatMap((need) => (need.kind === 'calls' ? need.calls : []));
    if (calls.length === 0) throw new Error('the state view knows everything there is, and yet more was needed');
    if (answers.size + calls.length > MOST_CALLS) throw new StatusError('InternalError', 'too many webhooks to call for one write');
    const { caller } = this.options;
    const made = await Promise.all(
      calls.map(async (call) => [call.key, caller ? await caller.call(call) : { failure: 'no webhooks are called here' }] as const),
    );
    for (const [key, answer] of made) answers.set(key, answer);
  }

  /** Gives an object that a controller is about to make its moment: true when it is there. */
  async #appeared({ awaited: { resource, namespace, name } }: NotThereYet, progress: Progress): Promise<boolean> {
    if (progress.waited) return false;
    progress.waited = true;
    const { view } = this.options;
    const there = (): boolean => view.entry(resource, namespace, name) !== undefined;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        stop();
        resolve(there());
      };
      const timer = setTimeout(finish, MOMENT_MS);
      const stop = view.subscribe(() => {
        if (there()) finish();
      });
      if (there()) finish();
    });
  }

  /**
   * Before the state is quoted against a client, it must be the newest: true where it may have changed, and the
   * decision is due again. A generated name that is taken is drawn anew.
   */
  async #madeCurrent(request: WriteRequest, progress: Progress, refusal?: StatusError): Promise<boolean> {
    if (refusal?.reason === 'AlreadyExists' && generatesName(request) && progress.names < MOST_NAMES) {
      progress.names += 1;
      progress.context = { ...progress.context, suffix: randomSuffix(this.options.world.random) };
      return true;
    }
    if (progress.current || (refusal && !DEPENDS_ON_STATE.has(refusal.reason))) return false;
    progress.current = true;
    const { stream } = request.definition;
    const { view } = this.options;
    const before = view.position;
    const signal = AbortSignal.timeout(this.options.patienceMs ?? PATIENCE_MS);
    await this.#waited(Promise.all([...new Set([stream, 'state' as const])].map((each) => this.#barrier.pass(each, signal))));
    const after = view.position;
    return after[stream] !== before[stream] || after.state !== before.state;
  }

  /** The sequences of the writes; none where a subject had moved and the view has caught up with that. */
  async #append(request: WriteRequest, writes: readonly PlannedWrite[], progress: Progress): Promise<readonly Sequence[]> {
    const { log } = this.options;
    const { stream } = request.definition;
    const appended = await log.append(
      stream,
      writes.map((write, index) => behind(this.#appendWrite(request, write, index, progress), index)),
    );
    if ('sequences' in appended) return appended.sequences;
    await this.#caughtUp(request, appended.moved, progress);
    return [];
  }

  /** The shared objects by which writes come together; '' where there are none. */
  #keyOf(shared: readonly PlannedWrite[]): string {
    return shared
      .map((write) => this.#subjectOf(write))
      .sort()
      .join(' ');
  }

  /** A decision that turned out otherwise than its round is made again on the view alone, once that shows what became of the round. */
  async #leave(progress: Progress): Promise<undefined> {
    const { round } = progress;
    progress.round = undefined;
    round?.withdraw();
    await this.#seen((await round?.ended) ?? 0);
  }

  async #seen(sequence: Sequence): Promise<void> {
    if (sequence === 0) return;
    await this.#waited(this.options.view.reached('state', sequence, AbortSignal.timeout(this.options.patienceMs ?? PATIENCE_MS)));
  }

  /** Stores writes that change what others change too, together with theirs. None: to be decided anew, perhaps within a round. */
  async #inRound(request: WriteRequest, writes: readonly PlannedWrite[], progress: Progress): Promise<readonly Sequence[]> {
    const key = this.#keyOf(writes.slice(1).filter(isShared));
    progress.round ??= this.#rounds.begin(key);
    const { round } = progress;
    if (!round) {
      progress.round = await this.#rounds.join(key);
      await this.#seen(progress.round.seen);
      return [];
    }
    progress.round = undefined;
    const all = writes.map((write, index) => ({ write, appended: this.#appendWrite(request, write, index, progress) }));
    const isOwn = ({ write }: { readonly write: PlannedWrite }): boolean => write === writes[0] || !isShared(write);
    const result = round.contribute(
      all.filter(isOwn).map(({ appended }) => appended),
      all.filter((one) => !isOwn(one)).map(({ write, appended }) => sharedOf(write, appended)),
    );
    const outcome = await result;
    if (outcome && 'sequences' in outcome) return outcome.sequences;
    if (outcome) await this.#caughtUp(request, outcome.moved, progress);
    else await this.#seen(await round.ended);
    return [];
  }

  #subjectOf({ definition, object }: PlannedWrite): string {
    const resource = definition.storage?.resource ?? definition.resource;
    const { namespace = '', name = '' } = object.metadata;
    return subjectOf(this.options.cluster, definition.stream, resource, namespace, name);
  }

  #appendWrite(request: WriteRequest, write: PlannedWrite, index: number, progress: Progress): AppendWrite {
    const { definition, object, type, previous } = write;
    const resource = definition.storage?.resource ?? definition.resource;
    const { namespace = '', name = '' } = object.metadata;
    const subject = this.#subjectOf(write);
    const expected =
      previous > 0 ? previous : (progress.ends.get(subject) ?? this.options.view.tombstone?.(resource, namespace, name) ?? 0);
    return {
      subject,
      expected,
      meta: eventMeta(request, { type, previous, own: index === 0, id: this.options.world.uuid() }),
      body: encodeObject(object),
    };
  }

  /** Waits until the view holds what made an append fail, and remembers the ends of subjects it has no object for. */
  async #caughtUp(request: WriteRequest, moved: readonly Moved[], progress: Progress): Promise<void> {
    progress.attempts += 1;
    if (progress.attempts >= MOST_ATTEMPTS) throw contended(request);
    const signal = AbortSignal.timeout(this.options.patienceMs ?? PATIENCE_MS);
    for (const { subject, actual } of moved) {
      await this.#waited(this.options.view.reached(request.definition.stream, actual, signal));
      progress.ends.set(subject, actual);
    }
  }

  async #waited<T>(waiting: Promise<T>): Promise<T> {
    try {
      return await waiting;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        throw new LogUnavailable('the state did not catch up with the log in time', { cause: error });
      }
      throw error;
    }
  }

  #draw(request: WriteRequest): WriteContext {
    const { now, uuid, random } = this.options.world;
    return { now: now(), uid: uuid(), suffix: generatesName(request) ? randomSuffix(random) : '', draw: random() };
  }
}

function contended({ definition, name, object, verb }: WriteRequest): StatusError {
  const called = name ?? (object as Partial<KubeObject> | undefined)?.metadata?.name ?? '';
  return verb === 'create' && name === undefined
    ? alreadyExists(definition.resource, called)
    : conflict(definition.resource, called, OPTIMISTIC_LOCK);
}

type Said = Pick<WriteResult, 'warnings' | 'annotations'>;

const remarksOf = ({ warnings, annotations }: Said): Said => (annotations === undefined ? { warnings } : { warnings, annotations });

const versioned = (object: KubeObject, sequence: Sequence): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(sequence) },
});
