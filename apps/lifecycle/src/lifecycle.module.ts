import { Module, type DynamicModule } from '@nestjs/common';
import { CONTROL_PLANE, hostedModule, type ControlPlane } from '#libs/platform';
import { LifecycleService } from './lifecycle-service.js';

/** Token of this app's service. */
export const LIFECYCLE = Symbol('LIFECYCLE');

@Module({})
class LifecycleModule {}

/** Namespaces, garbage collection, nodes that stop answering, disruption budgets, the cluster’s own Services, keys of deleted Secrets. */
export const lifecycleModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(LifecycleModule, [plane], LIFECYCLE, [CONTROL_PLANE], (over: ControlPlane) => new LifecycleService(over));
