import { DEFINITIONS } from '#libs/api';
import { linearizable, type Operation } from '#libs/consistency';
import { recomputeAll } from '#libs/runtime';
import { SeededCluster, type Beginning, type Plants } from './cluster.js';
import { Faults } from './faults.js';
import { Person } from './people.js';
import { unsettled } from './settled.js';
import { Trace } from './trace.js';
import { CALM, drawWeather } from './weather.js';
import type { Violation } from './witness.js';

/** What a seed is run with. */
export interface SeedOptions {
  readonly plants?: Plants;
  /** Told every line of the trace. */
  readonly listener?: (line: string) => void;
}

/** What a seed came to. */
export interface SeedResult {
  readonly seed: number;
  /** Deliveries, answers and timers. */
  readonly steps: number;
  /** Events that were stored. */
  readonly events: number;
  /** Of everything that happened: equal where the same happened. */
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** The last lines of what happened. */
  readonly trace: readonly string[];
}

const RISE_MS = 5_000;
const FAULTS_MS = 30_000;
/** All is as it must be again after so long, at most. */
const SETTLE_MS = 600_000;
const LOOK_MS = 5_000;
/** All decisions are computed again under one seed of so many: it takes as long as a tenth of the run. */
const RECOMPUTED = 4;
const MOST_STEPS = 500_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Run {
  steps = 0;
  readonly trace: Trace;
  readonly cluster: SeededCluster;
  readonly people: readonly Person[];

  constructor(
    private readonly seed: number,
    beginning: Beginning,
    { plants, listener }: SeedOptions,
  ) {
    this.trace = new Trace(() => this.cluster.world.now() - beginning.now, listener);
    this.cluster = new SeededCluster(seed, beginning, this.trace, plants);
    this.people = ['alice', 'bob'].map((name) => new Person(this.cluster, name, () => this.steps));
  }

  async run(): Promise<SeedResult> {
    const { world } = this.cluster;
    await this.cluster.begin(this.#slots());
    await this.#pass(RISE_MS);
    this.cluster.weather = drawWeather(world.random);
    const [first] = this.people;
    const faults = first && new Faults(this.cluster, first);
    for (const person of this.people) person.start();
    faults?.start();
    await this.#pass(FAULTS_MS);
    this.cluster.weather = CALM;
    for (const person of this.people) person.leave();
    faults?.end();
    await this.#settle();
    if (!this.trace.violation) await this.#judge();
    const { violation, lines, events } = this.trace;
    return { seed: this.seed, steps: this.steps, events, hash: this.trace.digest(), violation, trace: lines };
  }

  /** How many of each there are. */
  #slots(): readonly string[] {
    const { random } = this.cluster.world;
    const some = (service: string, most: number): readonly string[] =>
      Array.from({ length: 1 + Math.floor(random() * most) }, (_, i) => `${service}-${i + 1}`);
    return [
      'nodes',
      'api-1',
      'api-2',
      ...some('replication', 3),
      ...some('lifecycle', 2),
      ...some('scheduler', 3),
      ...some('projector', 2),
    ];
  }

  /** Lets time pass, step by step, as long as nothing is wrong. */
  async #pass(ms: number): Promise<void> {
    const { world } = this.cluster;
    const until = world.now() + ms;
    await turn();
    while (!this.trace.violation && world.step(until)) {
      if (++this.steps > MOST_STEPS)
        this.trace.violated({ invariant: 'work comes to an end', says: `${MOST_STEPS} steps were not enough` });
      await turn();
    }
  }

  async #settle(): Promise<void> {
    let left: Violation | undefined;
    for (let waited = 0; waited < SETTLE_MS && !this.trace.violation; waited += LOOK_MS) {
      await this.#pass(LOOK_MS);
      left = await unsettled(this.cluster);
      if (!left) return;
    }
    if (left) this.trace.violated(left);
  }

  /** What only the whole shows: answers that fit no order, decisions that come out otherwise. */
  async #judge(): Promise<void> {
    const seen = new Map<string, Operation[]>();
    for (const { seen: own } of this.people)
      for (const [name, operations] of own) seen.set(name, [...(seen.get(name) ?? []), ...operations]);
    for (const [name, operations] of seen) {
      const { verdict } = linearizable(operations);
      if (verdict !== 'linearizable')
        this.trace.violated({ invariant: 'answers are linearizable', says: `those about ${name} are ${verdict}` });
    }
    if (this.seed % RECOMPUTED === 0) await this.#recompute();
  }

  async #recompute(): Promise<void> {
    const { log, controllers } = this.cluster;
    const recomputed = await recomputeAll(log, controllers, DEFINITIONS);
    const wrong = recomputed.find(({ same, uncheckable }) => !same && uncheckable === undefined);
    if (!wrong) return;
    const { decision, event, problem } = wrong;
    const says = `${decision.controller} decides ${decision.key} at ${event.sequence} otherwise the second time ${problem ?? ''}`;
    this.trace.violated({ invariant: 'decisions can be computed again', says });
  }
}

/** A cluster's life under one seed, from its start until all is quiet again, or until something is wrong. */
export const runSeed = (seed: number, beginning: Beginning, options: SeedOptions = {}): Promise<SeedResult> =>
  new Run(seed, beginning, options).run();
