import { bootstrap, ControlPlaneConfig, loadConfig, runAsProcess } from '#libs/platform';
import { projectorModule, PROJECTOR } from './projector.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  return bootstrap({ modules: [projectorModule(config, 'this')], services: [PROJECTOR], probePort: config.probePort });
});
