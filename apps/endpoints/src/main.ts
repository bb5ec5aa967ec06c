import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { endpointsModule, ENDPOINTS } from './endpoints.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'endpoints');
  return bootstrap({ modules: [plane, endpointsModule(plane)], services: [ENDPOINTS], probePort: config.probePort });
});
