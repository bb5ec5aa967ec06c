import { alreadyExists, conflict, OPTIMISTIC_LOCK, StatusError, type KubeObject } from '#libs/apimachinery';
import type { Moved, Sequence } from '#libs/log';
import {
  decideWrite,
  NotThereYet,
  type AdmissionStep,
  type CallAnswer,
  type PlannedWrite,
  type WriteContext,
  type WriteRequest,
} from '#libs/registry';
import type { TransactionPath, TransactionResult, WriteResult } from '../ports.js';
import { behind } from './event-meta.js';
import { dependsOnState, Ground, MOST_ATTEMPTS, MOST_NAMES, unavailableAs503, type WritePathOptions } from './ground.js';
import { checkGuards, guardsOf } from './guarded.js';
import { generatesName, randomSuffix } from './naming.js';
import { isShared, Rounds, sharedOf, type Round } from './rounds.js';
import { transact, versioned } from './transact.js';

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
  /** The bytes of its own object in the newest append. */
  body: Uint8Array | undefined;
}

/**
 * Carries out writes: lets the registry decide on what the view holds, appends what it decided, and where somebody
 * else was faster waits for the view and decides again. What is refused because of the state is refused only on a
 * state that is current. Resolves when the write is durable; the view may not have reached it yet.
 */
export class WritePathEngine implements TransactionPath {
  readonly #ground: Ground;
  readonly #rounds: Rounds;

  constructor(options: WritePathOptions) {
    this.#ground = new Ground(options);
    this.#rounds = new Rounds((writes, guards) => options.log.append('state', writes, guards));
  }

  /** Carries out several writes as one. Throws one StatusError for all that are refused; nothing is written then. */
  transact(requests: readonly WriteRequest[]): Promise<TransactionResult> {
    return transact(this.#ground, requests);
  }

  async madeCurrent(): Promise<void> {
    try {
      await this.#ground.madeCurrent('state');
    } catch (thrown) {
      throw unavailableAs503(thrown);
    }
  }

  async execute(request: WriteRequest): Promise<WriteResult> {
    const progress: Progress = {
      context: this.#ground.draw(request),
      attempts: 0,
      names: 0,
      ends: new Map(),
      current: false,
      waited: false,
      answers: new Map(),
      round: undefined,
      body: undefined,
    };
    try {
      for (;;) {
        const result = await this.#attempt(request, progress);
        if (result) return result;
      }
    } catch (thrown) {
      throw unavailableAs503(thrown);
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
      await this.#ground.call([[decided.need, progress]]);
      return undefined;
    }
    if (decided instanceof StatusError) {
      if (decided instanceof NotThereYet && !progress.waited) {
        progress.waited = true;
        if (await this.#ground.appeared(decided)) return undefined;
      }
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
    if (answer.kind === 'Status') return { code, object: answer, sequence, ...said };
    const { body } = progress;
    const stored = body !== undefined && answer === writes[0]?.object ? { body } : {};
    return { code, object: versioned(answer, sequence), sequence, ...stored, ...said };
  }

  #decide(request: WriteRequest, progress: Progress): AdmissionStep | StatusError {
    const { answers, round } = progress;
    const { known: view, options } = this.#ground;
    const told = answers.size === 0 ? view : { ...view, answer: (key: string) => answers.get(key) };
    const known = round ? round.over(told) : told;
    try {
      return decideWrite(request, known, progress.context, options.settings);
    } catch (thrown) {
      if (thrown instanceof StatusError) return thrown;
      throw thrown;
    }
  }

  /**
   * Before the state is quoted against a client, it must be the newest: true where it may have changed, and the
   * decision is due again. A generated name that is taken is drawn anew.
   */
  async #madeCurrent(request: WriteRequest, progress: Progress, refusal?: StatusError): Promise<boolean> {
    if (refusal?.reason === 'AlreadyExists' && generatesName(request) && progress.names < MOST_NAMES) {
      progress.names += 1;
      progress.context = { ...progress.context, suffix: randomSuffix(this.#ground.options.world.random) };
      return true;
    }
    if (progress.current || (refusal && !dependsOnState(refusal))) return false;
    progress.current = true;
    return this.#ground.madeCurrent(request.definition.stream);
  }

  /** The sequences of the writes; none where a subject had moved and the view has caught up with that. */
  async #append(request: WriteRequest, writes: readonly PlannedWrite[], progress: Progress): Promise<readonly Sequence[]> {
    const all = writes.map((write, index) => behind(this.#ground.appendWrite(request, write, index === 0, progress.ends), index));
    progress.body = all[0]?.body;
    const appended = await this.#ground.options.log.append(request.definition.stream, all, guardsOf([request]));
    if ('sequences' in appended) return appended.sequences;
    await this.#caughtUp(request, appended.moved, progress);
    return [];
  }

  /** The shared objects by which writes come together; '' where there are none. */
  #keyOf(shared: readonly PlannedWrite[]): string {
    return shared
      .map((write) => this.#ground.subjectOf(write))
      .sort()
      .join(' ');
  }

  /** A decision that turned out otherwise than its round is made again on the view alone, once that shows what became of the round. */
  async #leave(progress: Progress): Promise<undefined> {
    const { round } = progress;
    progress.round = undefined;
    round?.withdraw();
    await this.#ground.seen((await round?.ended) ?? 0);
  }

  /** Stores writes that change what others change too, together with theirs. None: to be decided anew, perhaps within a round. */
  async #inRound(request: WriteRequest, writes: readonly PlannedWrite[], progress: Progress): Promise<readonly Sequence[]> {
    const key = this.#keyOf(writes.slice(1).filter(isShared));
    progress.round ??= this.#rounds.begin(key);
    const { round } = progress;
    if (!round) {
      progress.round = await this.#rounds.join(key);
      await this.#ground.seen(progress.round.seen);
      return [];
    }
    progress.round = undefined;
    const all = writes.map((write, index) => ({ write, appended: this.#ground.appendWrite(request, write, index === 0, progress.ends) }));
    progress.body = all[0]?.appended.body;
    const isOwn = ({ write }: { readonly write: PlannedWrite }): boolean => write === writes[0] || !isShared(write);
    const result = round.contribute(
      all.filter(isOwn).map(({ appended }) => appended),
      all.filter((one) => !isOwn(one)).map(({ write, appended }) => sharedOf(write, appended)),
      guardsOf([request]),
    );
    const outcome = await result;
    if (outcome && 'sequences' in outcome) return outcome.sequences;
    if (outcome) await this.#caughtUp(request, outcome.moved, progress);
    else await this.#ground.seen(await round.ended);
    return [];
  }

  /** Waits until the view holds what made an append fail, and remembers the ends of subjects it has no object for. */
  async #caughtUp(request: WriteRequest, moved: readonly Moved[], progress: Progress): Promise<void> {
    checkGuards(request, moved);
    progress.attempts += 1;
    if (progress.attempts >= MOST_ATTEMPTS) throw contended(request);
    await this.#ground.caughtUp(request.definition.stream, moved, progress.ends);
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
