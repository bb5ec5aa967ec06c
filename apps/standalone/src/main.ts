import { apiServerModule, API_SERVER } from '#apps/apiserver';
import { ENDPOINTS, endpointsModule } from '#apps/endpoints';
import { LIFECYCLE, lifecycleModule } from '#apps/lifecycle';
import { PROJECTOR, projectorModule } from '#apps/projector';
import { REPLICATION, replicationModule } from '#apps/replication';
import { SCHEDULER, schedulerModule } from '#apps/scheduler';
import { SIMULATOR, simulatorModule } from '#apps/simulator';
import { SERVICE_ACCOUNTS, serviceAccountsModule } from '#apps/serviceaccounts';
import { SINKS, sinksModule } from '#apps/sinks';
import { bootstrap, ControlPlaneConfig, controlPlaneModule, loadConfig, runAsProcess } from '#libs/platform';

/** All of the control plane in one process, for a laptop: the other apps' modules over one control plane. */
runAsProcess((env) => {
  const config = loadConfig(ControlPlaneConfig, env);
  const plane = controlPlaneModule(config, 'standalone');
  const apps = [
    apiServerModule,
    serviceAccountsModule,
    lifecycleModule,
    replicationModule,
    endpointsModule,
    schedulerModule,
    simulatorModule,
  ];
  return bootstrap({
    modules: [plane, projectorModule(config, 'own'), sinksModule(config), ...apps.map((app) => app(plane))],
    services: [PROJECTOR, API_SERVER, SERVICE_ACCOUNTS, LIFECYCLE, REPLICATION, ENDPOINTS, SCHEDULER, SINKS, SIMULATOR],
    probePort: config.probePort,
  });
});
