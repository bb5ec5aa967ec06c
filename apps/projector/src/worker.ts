import { parentPort } from 'node:worker_threads';
import { ControlPlaneConfig, loadConfig } from '#libs/platform';
import { PROCESS_METRICS } from '#libs/process';
import { ProjectorService } from './projector-service.js';

/**
 * The thread of a ThreadedProjector: says `ready` once it works, ends when it is told `stop`, or with 1 when it can't go on; answers
 * `metrics` with what it has counted.
 */
const service = new ProjectorService(loadConfig(ControlPlaneConfig, process.env), () => process.exit(1));
parentPort?.on('message', (told: 'stop' | 'metrics') => {
  if (told === 'metrics') parentPort?.postMessage(PROCESS_METRICS.families());
  else void service.stop().then(() => process.exit(0));
});
void service.start().then(() => parentPort?.postMessage('ready'));
