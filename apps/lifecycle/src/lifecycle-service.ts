import { controllersOf } from '#libs/controller-manager';
import { ControllersService, type ControlPlane, type HostedService } from '#libs/platform';

/** The controllers of what comes and goes, and the end of what deleted Secrets leave behind. */
export class LifecycleService implements HostedService {
  readonly name = 'lifecycle';
  private readonly controllers: ControllersService;

  constructor(private readonly plane: ControlPlane) {
    this.controllers = new ControllersService(this.name, plane, controllersOf('lifecycle', plane));
  }

  get ready(): boolean {
    return this.controllers.ready;
  }

  async start(): Promise<void> {
    await this.controllers.start();
    this.plane.keyDestruction.start();
  }

  async stop(): Promise<void> {
    await this.plane.keyDestruction.stop();
    await this.controllers.stop();
  }
}
