import type { Controller } from '#libs/apimachinery';
import { ControllerLoop } from '#libs/runtime';
import { BUILD, type ControlPlane } from './control-plane.js';
import type { HostedService } from './hosted-service.js';

/** Runs a list of controllers over the control plane: what most apps are. */
export class ControllersService implements HostedService {
  private readonly loops: readonly ControllerLoop[];
  private started = false;

  constructor(
    readonly name: string,
    plane: ControlPlane,
    controllers: readonly Controller[],
  ) {
    const { view, writePath, world, logger, clock } = plane;
    const { timers } = clock;
    this.loops = controllers.map((controller) => new ControllerLoop({ controller, view, writePath, world, logger, timers, build: BUILD }));
  }

  get ready(): boolean {
    return this.started;
  }

  async start(): Promise<void> {
    for (const loop of this.loops) loop.start();
    this.started = true;
  }

  async stop(): Promise<void> {
    this.started = false;
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
