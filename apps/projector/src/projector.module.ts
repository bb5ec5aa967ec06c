import { Module, type DynamicModule } from '@nestjs/common';
import { Projector } from '#libs/adapters';
import { CONTROL_PLANE, hostedModule, type ControlPlane, type HostedService } from '#libs/platform';

/** Token of this app's service. */
export const PROJECTOR = Symbol('PROJECTOR');

@Module({})
class ProjectorModule {}

/** The log into Postgres. A projection that can't go on (the log was rolled back) ends the process: serving would lie. */
export const projectorModule = (plane: DynamicModule): DynamicModule =>
  hostedModule(ProjectorModule, [plane], PROJECTOR, [CONTROL_PLANE], ({ sealedLog, database, logger }: ControlPlane): HostedService => {
    const projector = new Projector({ log: sealedLog, dataSource: database, logger });
    const stopping = new AbortController();
    let running: Promise<void> = Promise.resolve();
    return {
      name: 'projector',
      ready: true,
      start: async () => {
        running = projector.run(stopping.signal).catch((error: unknown) => {
          logger.error('the projection can not go on', error);
          process.exitCode = 1;
          process.kill(process.pid, 'SIGTERM');
        });
      },
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
  });
