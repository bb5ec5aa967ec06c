import { Module, type DynamicModule } from '@nestjs/common';
import { controllersOf } from '#libs/controller-manager';
import { CONTROL_PLANE, ControllersService, hostedModule, type ControlPlane } from '#libs/platform';

/** Token of this app's service. */
export const REPLICATION = Symbol('REPLICATION');

@Module({})
class ReplicationModule {}

/** Workloads: everything that runs pods, or says how many. */
export const replicationModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(
    ReplicationModule,
    [plane],
    REPLICATION,
    [CONTROL_PLANE],
    (over: ControlPlane) => new ControllersService('replication', over, controllersOf('replication', over)),
  );
