import { Module, type DynamicModule } from '@nestjs/common';
import { lifecycleControllers } from '#libs/controllers';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';

/** Token of this app's service. */
export const LIFECYCLE = Symbol('LIFECYCLE');

@Module({})
class LifecycleModule {}

/** Namespaces, garbage collection, nodes that stop answering, disruption budgets, the cluster’s own Services. */
export const lifecycleModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(
    LifecycleModule,
    [plane],
    LIFECYCLE,
    [CONTROL_PLANE],
    (over: ControlPlane) => new ControllersService('lifecycle', over, lifecycleControllers(over.config)),
  );
