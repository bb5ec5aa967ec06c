import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { apiServerModule, API_SERVER } from './apiserver.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'apiserver');
  return bootstrap({ modules: [plane, apiServerModule(plane)], services: [API_SERVER], probePort: config.probePort });
});
