import { parentPort } from 'node:worker_threads';
import { ControlPlaneConfig, loadConfig } from '#libs/platform';
import { ProjectorService } from './projector-service.js';

/** The thread of a ThreadedProjector: says `ready` once it works, ends when it is told `stop`, or with 1 when it can't go on. */
const service = new ProjectorService(loadConfig(ControlPlaneConfig, process.env), () => process.exit(1));
parentPort?.once('message', () => void service.stop().then(() => process.exit(0)));
void service.start().then(() => parentPort?.postMessage('ready'));
