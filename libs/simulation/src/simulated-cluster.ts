import { DEFINITIONS } from '#libs/api';
import type { Controller, Instant } from '#libs/apimachinery';
import { endpointsControllers, lifecycleControllers, replicationControllers, serviceAccountControllers } from '#libs/controllers';
import { ORIGIN, STREAMS } from '#libs/log';
import type { ClusterSettings } from '#libs/registry';
import { ControllerLoop, StateCache, WritePathEngine, SILENT_LOGGER, type Logger } from '#libs/runtime';
import { schedulerController } from '#libs/scheduling';
import { MemoryLog, type AppendFault } from './memory-log.js';
import { simulatedNode, type SimulatedNodeOptions } from './simulated-node.js';
import { VirtualWorld } from './virtual-world.js';

/** What a simulated cluster is made with. */
export interface SimulatedClusterOptions {
  readonly seed?: number;
  readonly logger?: Logger;
  /** The controllers to run; all of them, and the scheduler, unless set. */
  readonly controllers?: readonly Controller[];
  /** Faults of the log, drawn from the world's own chance; none before the cluster has come up. */
  readonly fault?: (world: VirtualWorld) => AppendFault;
}

/** The settings of a simulated cluster. */
export const SIMULATED_SETTINGS: ClusterSettings = {
  serviceCidr: '10.96.0.0/16',
  nodePorts: [30000, 32767],
  clusterDomain: 'cluster.local',
};

const SIMULATED_CA = '-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n';

/** All controllers of the control plane and the scheduler, for a cluster that exists only in memory. */
export const allControllers = (): readonly Controller[] => [
  ...lifecycleControllers({ serviceCidr: SIMULATED_SETTINGS.serviceCidr, advertiseAddress: '10.64.0.1', apiPort: 6443 }),
  ...serviceAccountControllers({ caCertificate: SIMULATED_CA, frontProxyCa: SIMULATED_CA }),
  ...replicationControllers,
  ...endpointsControllers,
  schedulerController,
];

/** Delays up to this long are waited for when the cluster settles: retries, not timeouts. */
const SETTLING_MS = 1000;
/** A cluster that is busy for so many turns of the event loop never settles. */
const MOST_TURNS = 200_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A whole cluster in one process without servers: the log in memory, every controller, virtual time. */
export class SimulatedCluster {
  readonly #loops = new Map<string, ControllerLoop>();
  readonly #nodes = new Map<string, Controller>();
  readonly #stopping: AbortController;

  private constructor(
    readonly world: VirtualWorld,
    readonly log: MemoryLog,
    readonly view: StateCache,
    readonly writePath: WritePathEngine,
    readonly controllers: readonly Controller[],
    private readonly logger: Logger,
    stopping: AbortController,
  ) {
    this.#stopping = stopping;
  }

  static async start({
    seed = 1,
    logger = SILENT_LOGGER,
    controllers = allControllers(),
    fault,
  }: SimulatedClusterOptions = {}): Promise<SimulatedCluster> {
    const world = new VirtualWorld(seed);
    let up = false;
    const log = new MemoryLog({ now: world.now, fault: () => (up ? fault?.(world) : undefined) });
    const stopping = new AbortController();
    const snapshots = { snapshot: () => Promise.resolve({ position: ORIGIN, rows: [] }) };
    const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger, signal: stopping.signal });
    const writePath = new WritePathEngine({ log, view, settings: SIMULATED_SETTINGS, world, cluster: 'simulated' });
    const cluster = new SimulatedCluster(world, log, view, writePath, controllers, logger, stopping);
    for (const controller of controllers) cluster.#run(controller);
    await cluster.settle();
    up = true;
    return cluster;
  }

  /** Every controller that has ever run here, nodes among them: what decisions are computed again with. */
  get everyController(): readonly Controller[] {
    return [...this.controllers, ...this.#nodes.values()];
  }

  /** A node joins, or comes back. */
  startNode(options: SimulatedNodeOptions): void {
    const controller = simulatedNode(options);
    this.#nodes.set(options.name, controller);
    this.#run(controller);
  }

  /** A node's agent stops without a word; its pods and its Node stay as they are. */
  async stopNode(name: string): Promise<void> {
    const controller = this.#nodes.get(name);
    const loop = controller && this.#loops.get(controller.name);
    if (!controller || !loop) throw new RangeError(`no node ${name} is running`);
    this.#loops.delete(controller.name);
    await loop.stop();
  }

  /** Resolves once nobody has anything to do within the next second. */
  async settle(): Promise<void> {
    await this.#quiet();
    const until = this.world.now() + SETTLING_MS;
    while (this.world.next !== undefined && this.world.next <= until) {
      this.world.step(until);
      await this.#quiet();
    }
  }

  /** Lets time pass, and everything happen that it brings. */
  async advance(ms: number): Promise<void> {
    const until: Instant = this.world.now() + ms;
    await this.#quiet();
    while (this.world.step(until)) await this.#quiet();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#loops.values()].map((loop) => loop.stop()));
    this.#stopping.abort();
    await this.log.close();
  }

  #run(controller: Controller): void {
    const { world, view, writePath, logger } = this;
    const loop = new ControllerLoop({
      controller,
      view,
      writePath,
      world,
      logger,
      build: 'simulated',
      timers: world,
    });
    this.#loops.set(controller.name, loop);
    loop.start();
  }

  /** No key is ready or being worked on, and the view holds all that the log does: twice in a row. */
  async #quiet(): Promise<void> {
    let calm = 0;
    for (let turns = 0; calm < 2; turns++) {
      if (turns > MOST_TURNS) throw new Error(`these never settle: ${this.#busy().join(', ')}`);
      await turn();
      calm = this.#busy().length === 0 && (await this.#current()) ? calm + 1 : 0;
    }
  }

  #busy(): readonly string[] {
    return [...this.#loops.values()].filter(({ idle }) => !idle).map(({ name }) => name);
  }

  async #current(): Promise<boolean> {
    const { position } = this.view;
    const lasts = await Promise.all(STREAMS.map((stream) => this.log.last(stream)));
    return STREAMS.every((stream, i) => position[stream] === lasts[i]);
  }
}
