import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createLogger, loadConfig, runAsProcess } from '#libs/process';
import { Balancer } from './balancer.js';
import { BalancerConfig } from './config.js';

/** In front of several API servers of one machine. On others any balancer of TCP connections does. */
runAsProcess(async (env) => {
  const { listen, backends, caFile, probePort, logLevel } = loadConfig(BalancerConfig, env);
  const logger = createLogger('balancer', logLevel);
  const balancer = new Balancer({ listen, backends, ca: readFileSync(caFile, 'utf8'), logger });
  await balancer.start();
  const probes = createServer(({ url }, response) => {
    const isWell = url === '/livez' || balancer.ready;
    response.writeHead(isWell ? 200 : 503).end(isWell ? 'ok' : 'no API server answers');
  });
  if (probePort > 0) probes.listen(probePort, '127.0.0.1');
  const stop = (): void => {
    probes.close();
    balancer.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('the balancer did not stop cleanly', error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
});
