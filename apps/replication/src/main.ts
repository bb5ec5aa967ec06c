import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';
import { replicationModule, REPLICATION } from './replication.module.js';

runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'replication');
  return bootstrap({ modules: [plane, replicationModule(plane)], services: [REPLICATION], probePort: config.probePort });
});
