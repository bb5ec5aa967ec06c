import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { ControlPlaneConfig } from './config.js';
import { openControlPlane, type ControlPlane } from './control-plane.js';

/** Token under which an app's services find the control plane they stand on. */
export const CONTROL_PLANE = Symbol('CONTROL_PLANE');

@Module({})
class ControlPlaneModule implements OnApplicationShutdown {
  constructor(@Inject(CONTROL_PLANE) private readonly plane: ControlPlane) {}

  /** After the services have stopped: nothing uses the log any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.plane.close();
  }
}

/** The module that opens the control plane once for a process; apps import the same one. */
export const controlPlaneModule = (config: ControlPlaneConfig, component: string): DynamicModule => ({
  module: ControlPlaneModule,
  providers: [{ provide: CONTROL_PLANE, useFactory: () => openControlPlane(config, component) }],
  exports: [CONTROL_PLANE],
});
