import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { lifecycleModule, LIFECYCLE } from './lifecycle.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'lifecycle');
  return bootstrap({ modules: [plane, lifecycleModule(plane)], services: [LIFECYCLE], probePort: config.probePort });
});
