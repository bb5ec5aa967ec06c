import { Module, type DynamicModule } from '@nestjs/common';
import { Projector } from '#libs/adapters';
import { CONTROL_PLANE, hostedModule, type ControlPlane, type HostedService } from '#libs/platform';

/** Token of this app's service. */
export const PROJECTOR = Symbol('PROJECTOR');

@Module({})
class ProjectorModule {}

/** The log into Postgres. */
export const projectorModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(ProjectorModule, [plane], PROJECTOR, [CONTROL_PLANE], ({ sealedLog, database, logger }: ControlPlane): HostedService => {
    const projector = new Projector({ log: sealedLog, database, logger });
    return {
      name: 'projector',
      get ready() {
        return projector.healthy;
      },
      start: () => projector.start(),
      stop: () => projector.stop(),
    };
  });
