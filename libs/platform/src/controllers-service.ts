import type { Controller } from '#libs/apimachinery';
import { ControllerLoop, type Condition } from '#libs/runtime';
import { BUILD, type ControlPlane, type SharedWork } from './control-plane.js';
import type { HostedService } from './hosted-service.js';

/** Runs a list of controllers over the control plane, for its share of their keys: what most apps are. */
export class ControllersService implements HostedService {
  private loops: readonly ControllerLoop[] = [];
  private work: SharedWork | undefined;

  constructor(
    readonly name: string,
    private readonly plane: ControlPlane,
    private readonly controllers: readonly Controller[],
  ) {}

  conditions(): readonly Condition[] {
    return this.plane.conditions.all;
  }

  get ready(): boolean {
    return this.work !== undefined;
  }

  async start(): Promise<void> {
    const { view, writePath, world, logger, metrics, tracing, clock } = this.plane;
    const { timers } = clock;
    const work = await this.plane.share(this.name);
    const { share } = work;
    this.loops = this.controllers.map(
      (controller) => new ControllerLoop({ controller, view, writePath, world, logger, metrics, tracing, timers, build: BUILD, share }),
    );
    for (const loop of this.loops) loop.start();
    this.work = work;
  }

  async stop(): Promise<void> {
    const { work } = this;
    this.work = undefined;
    await work?.leave();
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
