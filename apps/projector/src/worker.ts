import { parentPort } from 'node:worker_threads';
import { ControlPlaneConfig, loadConfig } from '#libs/platform';
import { PROCESS_METRICS } from '#libs/process';
import { ProjectorService } from './projector-service.js';
import type { Said } from './threaded-projector.js';

const say = (said: Said): void => parentPort?.postMessage(said);

/**
 * The thread of a ThreadedProjector: says `ready` once it works, and each condition that changes; ends when it is told `stop`, or with 1
 * when it can't go on; answers `metrics` with what it has counted.
 */
const service = new ProjectorService(
  loadConfig(ControlPlaneConfig, process.env),
  () => process.exit(1),
  (condition) => say({ condition }),
);
parentPort?.on('message', (told: 'stop' | 'metrics') => {
  if (told === 'metrics') say({ families: PROCESS_METRICS.families() });
  else void service.stop().then(() => process.exit(0));
});
void service.start().then(() => say('ready'));
