import type { Running, SeededCluster } from './cluster.js';
import type { Person } from './people.js';
import { CALM } from './weather.js';

/** Takes processes and nodes down, one after the other, as chance has it. */
export class Faults {
  #isOver = false;

  constructor(
    private readonly cluster: SeededCluster,
    private readonly admin: Person,
  ) {}

  start(): void {
    const { world, weather } = this.cluster;
    const waitMs = -Math.log(1 - world.random()) * weather.faultEveryMs;
    world.after(waitMs, () => {
      if (this.#isOver) return;
      this.#strike();
      this.start();
    });
  }

  /** From now on everything works, and whatever is down comes back. */
  end(): void {
    this.#isOver = true;
    this.cluster.weather = CALM;
    for (const running of this.cluster.all) {
      running.link.cut = false;
      running.process.resume();
    }
    for (const [name, loop] of this.cluster.nodes) if (!loop) this.cluster.startNode(name);
  }

  #strike(): void {
    const { world, all, nodes } = this.cluster;
    const targets = all.filter(({ service }) => service !== 'nodes');
    const target = targets[Math.floor(world.random() * targets.length)];
    const draw = world.random();
    const lengthMs = 200 + world.random() * 12_000;
    if (!target) return;
    if (draw < 0.3) this.cluster.crash(target.slot, lengthMs);
    else if (draw < 0.55) this.#pause(target, lengthMs);
    else if (draw < 0.8) this.#cut(target, lengthMs);
    else this.#darken([...nodes.keys()][Math.floor(world.random() * nodes.size)], draw > 0.95);
  }

  #pause({ process }: Running, lengthMs: number): void {
    if (process.state !== 'running') return;
    this.cluster.trace.say(`${process.name} is paused`);
    process.pause();
    this.cluster.world.after(lengthMs, () => {
      if (process.state === 'paused') this.cluster.trace.say(`${process.name} goes on`);
      process.resume();
    });
  }

  #cut(running: Running, lengthMs: number): void {
    this.cluster.trace.say(`${running.process.name} is cut off`);
    running.link.cut = true;
    this.cluster.world.after(lengthMs, () => (running.link.cut = false));
  }

  /** A node's agent stops; sometimes the node is removed as well. It comes back after long enough for its pods to be given up. */
  #darken(name: string | undefined, isRemoved: boolean): void {
    const { nodes, trace, world } = this.cluster;
    if (name === undefined || !nodes.get(name)) return;
    trace.say(`${name} ${isRemoved ? 'is removed' : 'goes dark'}`);
    this.cluster.stopNode(name);
    if (isRemoved) void this.admin.removeNode(name);
    world.after(20_000 + world.random() * 80_000, () => {
      if (nodes.get(name)) return;
      trace.say(`${name} is back`);
      this.cluster.startNode(name);
    });
  }
}
