import { Module, type DynamicModule } from '@nestjs/common';
import { controllersOf } from '#libs/controller-manager';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';

/** Token of this app's service. */
export const SCHEDULER = Symbol('SCHEDULER');

@Module({})
class SchedulerModule {}

/** Pods to nodes. */
export const schedulerModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(
    SchedulerModule,
    [plane],
    SCHEDULER,
    [CONTROL_PLANE],
    (over: ControlPlane) => new ControllersService('scheduler', over, controllersOf('scheduler', over)),
  );
