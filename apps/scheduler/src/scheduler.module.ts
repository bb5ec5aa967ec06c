import { Module, type DynamicModule } from '@nestjs/common';
import { controllersOf } from '#libs/controller-manager';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';
import { metered as meteredBy, showPending } from './scheduler-metrics.js';

/** Token of this app's service. */
export const SCHEDULER = Symbol('SCHEDULER');

@Module({})
class SchedulerModule {}

/** Pods to nodes. */
export const schedulerModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(SchedulerModule, [plane], SCHEDULER, [CONTROL_PLANE], (over: ControlPlane) => {
    showPending(over.metrics, over.view);
    const metered = controllersOf('scheduler', over).map((controller) => meteredBy(controller, over.metrics));
    return new ControllersService('scheduler', over, metered);
  });
