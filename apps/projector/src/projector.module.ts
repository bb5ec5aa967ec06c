import { Module, type DynamicModule } from '@nestjs/common';
import { hostedModule, type ControlPlaneConfig } from '#libs/platform';
import { ProjectorService } from './projector-service.js';
import { ThreadedProjector } from './threaded-projector.js';

/** Token of this app's service. */
export const PROJECTOR = Symbol('PROJECTOR');

@Module({})
class ProjectorModule {}

/** A projection that can't go on ends the process: to serve from a log that was rolled back would be a lie. */
function endProcess(): void {
  process.exitCode = 1;
  process.kill(process.pid, 'SIGTERM');
}

/** The log into Postgres: in this thread where the process does nothing else, in one of its own where it does. */
export const projectorModule = (config: ControlPlaneConfig, thread: 'this' | 'own'): DynamicModule =>
  hostedModule(ProjectorModule, [], PROJECTOR, [], () =>
    thread === 'own' ? new ThreadedProjector(endProcess) : new ProjectorService(config, endProcess),
  );
