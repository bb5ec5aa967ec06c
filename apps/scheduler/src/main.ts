import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { schedulerModule, SCHEDULER } from './scheduler.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'scheduler');
  return bootstrap({ modules: [plane, schedulerModule(plane)], services: [SCHEDULER], probePort: config.probePort });
});
