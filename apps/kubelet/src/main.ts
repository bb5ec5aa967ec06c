import { createLogger, loadConfig, runAsProcess } from '#libs/platform';
import { KubeletConfig } from './config.js';
import { startKubelet } from './kubelet.js';

runAsProcess(async (env) => {
  const config = loadConfig(KubeletConfig, env);
  const logger = createLogger(`kubelet ${config.nodeName}`, config.logLevel);
  const kubelet = await startKubelet(config, logger);
  const stop = (): void => {
    kubelet.stop().then(
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
