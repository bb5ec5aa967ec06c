import { readFileSync } from 'node:fs';
import { NODES } from '#libs/api';
import { BUILD, type ControlPlane, type HostedService } from '#libs/platform';
import { ControllerLoop } from '#libs/runtime';
import { adoptedNode } from '#libs/simulation';
import { parseSimulation, type Simulation } from './simulation-file.js';

/** An agent for each Node there is and each that is made, until it is deleted. */
export class SimulatorService implements HostedService {
  readonly name = 'simulator';
  private readonly agents = new Map<string, ControllerLoop>();
  private readonly leaving = new Set<Promise<void>>();
  private unsubscribe: () => void = () => undefined;
  private started = false;

  constructor(private readonly plane: ControlPlane) {}

  get ready(): boolean {
    return this.started;
  }

  async start(): Promise<void> {
    const { config, view, clock } = this.plane;
    if (config.simulationFile !== undefined) {
      const simulation = parseSimulation(readFileSync(config.simulationFile, 'utf8'));
      this.unsubscribe = view.subscribe(({ resource, type, entry }) => {
        if (resource.group !== NODES.group || resource.resource !== NODES.resource) return;
        if (type === 'Deleted') this.leave(entry.name);
        else this.join(entry.name, simulation);
      });
      for (const { name } of view.entries(NODES)) this.join(name, simulation);
    }
    clock.start();
    this.started = true;
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.plane.clock.stop();
    this.started = false;
    for (const name of [...this.agents.keys()]) this.leave(name);
    await Promise.all(this.leaving);
  }

  private join(name: string, { silentNodes, failingImages }: Simulation): void {
    if (this.agents.has(name) || silentNodes.has(name)) return;
    const { view, writePath, world, logger, clock } = this.plane;
    const controller = adoptedNode({ name, failingImages });
    const agent = new ControllerLoop({ controller, view, writePath, world, logger, timers: clock.timers, build: BUILD });
    this.agents.set(name, agent);
    agent.start();
  }

  private leave(name: string): void {
    const agent = this.agents.get(name);
    if (agent === undefined) return;
    this.agents.delete(name);
    const left: Promise<void> = agent.stop().finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }
}
