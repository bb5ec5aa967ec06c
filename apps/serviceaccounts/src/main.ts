import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { serviceAccountsModule, SERVICE_ACCOUNTS } from './serviceaccounts.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'serviceaccounts');
  return bootstrap({ modules: [plane, serviceAccountsModule(plane)], services: [SERVICE_ACCOUNTS], probePort: config.probePort });
});
