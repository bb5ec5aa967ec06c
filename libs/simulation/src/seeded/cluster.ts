import { DEFINITIONS } from '#libs/api';
import type { Controller } from '#libs/apimachinery';
import { STREAMS, type Recorded } from '#libs/log';
import { ControllerLoop, Sharing, StateCache, WHOLE, WritePathEngine, type Logger, type Share } from '#libs/runtime';
import { MemoryLog } from '../memory-log.js';
import { allControllers, SIMULATED_SETTINGS, SimulatedCluster } from '../simulated-cluster.js';
import { simulatedNode } from '../simulated-node.js';
import { VirtualWorld } from '../virtual-world.js';
import { sharedDecode } from './shared-decode.js';
import { followed } from './followed.js';
import { Leases, SimulatedMembership } from './leases.js';
import { Link } from './link.js';
import { SimulatedProcess } from './process.js';
import { misprojected, SimulatedProjection, startProjector } from './projection.js';
import type { Trace } from './trace.js';
import { CALM, type Weather } from './weather.js';
import { LogWitness } from './witness.js';

/** Enough for keys of each service to lie apart; fewer than in a real cluster, where a fence each is written at every start. */
export const SEEDED_SHARDS = 8;

/** What a test plants in every replica of the controllers. */
export interface Plants {
  readonly controller?: (controller: Controller) => Controller;
  readonly share?: (share: Share) => Share;
}

/** What a kind of process does. */
export interface Role {
  readonly service: 'api' | 'nodes' | 'projector' | 'replication' | 'lifecycle' | 'scheduler';
  readonly controllers: readonly string[];
}

const ROLES: Readonly<Record<Role['service'], readonly string[]>> = {
  api: [],
  nodes: [],
  projector: [],
  replication: ['deployment-controller', 'replicaset-controller', 'endpointslice-controller', 'endpoint-controller'],
  lifecycle: [
    'namespace-controller',
    'garbage-collector-controller',
    'node-lifecycle-controller',
    'taint-eviction-controller',
    'pod-garbage-collector-controller',
  ],
  scheduler: ['default-scheduler'],
};

/** A process and what came of it: what it holds is lost with it. */
export interface Running {
  readonly slot: string;
  readonly service: Role['service'];
  readonly process: SimulatedProcess;
  readonly link: Link;
  view?: StateCache;
  writePath?: WritePathEngine;
  sharing?: Sharing;
}

/** Without what these make, no pod and no Service can be. */
const FOUNDING: ReadonlySet<string> = new Set(['namespace-controller', 'serviceaccount-controller', 'default-service-cidr-controller']);

/** A log that a cluster has come up on: made once, and gone on from by every seed. */
export interface Beginning {
  readonly log: MemoryLog;
  readonly now: number;
  readonly uids: number;
}

/** A cluster that has come up, and nothing in it yet. */
export async function cameUp(): Promise<Beginning> {
  const controllers = allControllers().filter(({ name }) => FOUNDING.has(name));
  const cluster = await SimulatedCluster.start({ controllers });
  const { log, world } = cluster;
  const begun = { log: new MemoryLog({ after: log }), now: world.now(), uids: world.uids };
  await cluster.stop();
  return begun;
}

const NODES = 3;
const NODE_SIZE = { cpu: '2', memory: '4Gi', pods: 8 };

/** The whole control plane as processes that only pretend: each with a connection, a cache and memory of its own. */
export class SeededCluster {
  readonly world: VirtualWorld;
  readonly log: MemoryLog;
  readonly witness: LogWitness;
  readonly projection = new SimulatedProjection();
  readonly running = new Map<string, Running>();
  readonly nodes = new Map<string, ControllerLoop | undefined>();
  readonly #leases = new Leases();
  readonly #starts = new Map<string, number>();
  readonly #controllers: ReadonlyMap<string, Controller>;
  readonly #decode = sharedDecode();
  weather: Weather = CALM;

  constructor(
    seed: number,
    { log, now, uids }: Beginning,
    readonly trace: Trace,
    private readonly plants: Plants = {},
  ) {
    this.world = new VirtualWorld(seed, now, uids);
    this.#controllers = new Map(allControllers().map((controller) => [controller.name, controller]));
    this.witness = new LogWitness({
      shards: SEEDED_SHARDS,
      serviceOf: (process, controller) => this.#fencedService(process, controller),
      report: (violation) => this.trace.violated(violation),
      decode: this.#decode,
    });
    this.log = new MemoryLog({ now: this.world.now, after: log, onStored: (events) => this.#stored(events) });
  }

  /** Everything there was before is taken in, then every process starts. */
  async begin(slots: readonly string[]): Promise<void> {
    for (const stream of STREAMS) {
      const until = await this.log.last(stream);
      for await (const { events, through } of this.log.read(stream, 0, { until })) {
        this.witness.stored(events);
        this.projection.apply(stream, this.projection.position[stream], events, through);
      }
    }
    for (const slot of slots) this.launch(slot);
  }

  get all(): readonly Running[] {
    return [...this.running.values()];
  }

  /** API servers that could answer. */
  get servers(): readonly Running[] {
    return this.all.filter(
      ({ service, writePath, process }) => service === 'api' && writePath !== undefined && process.state === 'running',
    );
  }

  /** Starts a process anew: what it was called before means another one. */
  launch(slot: string): void {
    const start = (this.#starts.get(slot) ?? 0) + 1;
    this.#starts.set(slot, start);
    const process = new SimulatedProcess(`${slot}.${start}`, this.world);
    const link = new Link({
      process,
      log: this.log,
      world: this.world,
      weather: () => this.weather,
      trace: (line) => this.trace.say(line),
      writing: ({ name }) => (this.witness.author = name),
    });
    const running: Running = { slot, service: slot.split('-')[0] as Role['service'], process, link };
    this.running.set(slot, running);
    this.trace.say(`${process.name} starts`);
    this.#start(running).catch((error: unknown) => {
      this.trace.say(`${process.name} could not start: ${String(error)}`);
      this.crash(slot, 1_000);
    });
  }

  /** Kills a process; it is started again later. */
  crash(slot: string, restartMs: number): void {
    const running = this.running.get(slot);
    if (!running || running.process.state === 'dead') return;
    this.trace.say(`${running.process.name} is killed`);
    running.process.kill();
    this.world.after(restartMs, () => this.launch(slot));
  }

  startNode(name: string): void {
    const nodes = this.running.get('nodes');
    if (!nodes?.view || !nodes.writePath) return;
    const controller = simulatedNode({ name, podPrefix: `10.64.${name.slice(-1)}`, ...NODE_SIZE });
    this.nodes.set(name, this.#loop(nodes, nodes.view, nodes.writePath, controller, WHOLE));
  }

  stopNode(name: string): void {
    void this.nodes.get(name)?.stop();
    this.nodes.set(name, undefined);
  }

  /** Every controller that has a part in this cluster, nodes among them. */
  get controllers(): readonly Controller[] {
    const names = Object.values(ROLES).flat();
    const nodes = [...this.nodes.keys()].map((name) => simulatedNode({ name, podPrefix: `10.64.${name.slice(-1)}`, ...NODE_SIZE }));
    return [...[...this.#controllers.values()].filter(({ name }) => names.includes(name)).map((one) => this.#planted(one)), ...nodes];
  }

  readonly delayMs = (): number => Math.ceil(this.world.random() * this.weather.delayMs);

  /** The service whose fences a process's decisions guard; undefined: they guard none, since their work is not shared, or by other means. */
  #fencedService(process: string, controller: string): string | undefined {
    const [service = ''] = process.split('-');
    const isFenced = service === 'replication' || service === 'lifecycle' || service === 'scheduler';
    return isFenced && this.#controllers.get(controller)?.keyOfPart === undefined ? service : undefined;
  }

  #planted(controller: Controller): Controller {
    return this.plants.controller?.(controller) ?? controller;
  }

  #stored(events: readonly Recorded[]): void {
    this.trace.stored(this.world.now(), events);
    this.witness.stored(events);
  }

  async #start(running: Running): Promise<void> {
    const { service, process, link } = running;
    const { world } = this;
    if (service === 'projector') {
      const onApplied = (...[stream, from, through]: Parameters<Parameters<typeof startProjector>[0]['onApplied']>): void => {
        this.trace.say(`${process.name} projects ${stream} ${from + 1}..${through}`);
        const violation = misprojected(this.projection, this.log.between(stream, from, through));
        if (violation) this.trace.violated(violation);
      };
      return startProjector({ process, link, projection: this.projection, delayMs: this.delayMs, onApplied });
    }
    const view = await StateCache.start({
      log: link,
      snapshots: this.projection.source(process, this.delayMs),
      definitions: DEFINITIONS,
      logger: this.#logger(process),
      signal: new AbortController().signal,
      timers: process,
      decode: this.#decode,
    });
    followed(view, this.log, process.name, (violation) => this.trace.violated(violation));
    running.view = view;
    running.writePath = new WritePathEngine({
      log: link,
      view,
      settings: SIMULATED_SETTINGS,
      world,
      cluster: 'simulated',
      timers: process,
    });
    if (service === 'nodes') for (let i = 1; i <= NODES; i++) this.startNode(`node-${i}`);
    else if (service !== 'api') this.#control(running, view, running.writePath);
  }

  /** Takes part in its service's work. */
  #control(running: Running, view: StateCache, writePath: WritePathEngine): void {
    const { service, process, link } = running;
    const { world } = this;
    const isCut = (): boolean => link.cut;
    const membership = new SimulatedMembership({ service, leases: this.#leases, process, world, weather: () => this.weather, isCut });
    const sharing = new Sharing({
      cluster: 'simulated',
      service,
      shards: SEEDED_SHARDS,
      membership,
      log: link,
      view,
      world,
      timers: process,
      logger: this.#logger(process),
    });
    running.sharing = sharing;
    const share = this.plants.share?.(sharing) ?? sharing;
    for (const name of ROLES[service]) {
      const controller = this.#controllers.get(name);
      if (!controller) throw new RangeError(`no controller is called ${name}`);
      this.#loop(running, view, writePath, this.#planted(controller), share);
    }
    sharing.start();
  }

  #loop({ process }: Running, view: StateCache, writePath: WritePathEngine, controller: Controller, share: Share): ControllerLoop {
    const { world } = this;
    const logger = this.#logger(process);
    const loop = new ControllerLoop({ controller, view, writePath, world, logger, build: 'simulated', timers: process, share });
    loop.start();
    return loop;
  }

  /** An error that is neither the log's absence nor a race is a bug. */
  #logger({ name }: SimulatedProcess): Logger {
    const silent = (): void => undefined;
    return {
      debug: silent,
      info: silent,
      warn: (message) => this.trace.say(`${name} warns: ${message}`),
      error: (message, error) => {
        this.trace.say(`${name} says: ${message}: ${String(error)}`);
        if ((error as Error).name !== 'LogUnavailable')
          this.trace.violated({ invariant: 'nothing fails', says: `${name}: ${message}: ${String(error)}` });
      },
    };
  }
}
