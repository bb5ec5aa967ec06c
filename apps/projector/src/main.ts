import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { projectorModule, PROJECTOR } from './projector.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'projector');
  return bootstrap({ modules: [plane, projectorModule(plane)], services: [PROJECTOR], probePort: config.probePort });
});
