import { bootstrap, ControlPlaneConfig, loadConfig, runAsProcess } from '#libs/platform';
import { SINKS, sinksModule } from '#apps/sinks';
import { projectorModule, PROJECTOR } from './projector.module.js';

/** The projection, and in the same process what else only follows the log: sinks. */
runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  return bootstrap({
    modules: [projectorModule(config, 'this'), sinksModule(config)],
    services: [PROJECTOR, SINKS],
    probePort: config.probePort,
  });
});
