import { ApiClient } from '#libs/client';
import { createLogger, loadConfig, runAsProcess } from '#libs/process';
import { startNodeProxy } from '#apps/proxy';
import { KubeletConfig } from './config.js';
import { startKubelet } from './kubelet.js';

/** A node: its agent, and the proxy and DNS server that its pods use. A simulated node has no pods to serve. */
runAsProcess(async (env) => {
  const config = loadConfig(KubeletConfig, env);
  const logger = createLogger(`kubelet ${config.nodeName}`, config.logLevel);
  const { apiUrl: url, caFile, certFile, keyFile, cluster, nodeName, nodeIp, serviceCidr, clusterDomain, advertiseAddress } = config;
  const kubelet = await startKubelet(config, logger);
  const client = ApiClient.fromFiles({ url, caFile, certFile, keyFile, userAgent: 'kube-proxy/v1.36.4' });
  const own = { client, cluster, nodeName, nodeIp, serviceCidr, clusterDomain, advertiseAddress, backend: config.proxy, logger };
  const proxy = config.runtime === 'simulated' ? undefined : await startNodeProxy(own);
  const stop = (): void => {
    Promise.all([kubelet.stop(), proxy?.stop()]).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('the node did not stop cleanly', error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
});
