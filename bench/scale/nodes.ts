import path from 'node:path';
import { KubeletConfig, startKubelet } from '#apps/kubelet';
import { createLogger } from '#libs/process';

/** What this process plays, as JSON in its only argument. */
interface Role {
  readonly url: string;
  readonly caFile: string;
  readonly certificates: string;
  readonly data: string;
  readonly cluster: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Numbers of the nodes, from 1. The cluster's own node has the range before the first. */
  readonly nodes: readonly number[];
}

const STARTED_AT_ONCE = 8;
const prefixOf = (cidr: string): string => cidr.split('.').slice(0, 2).join('.');

/** Many nodes in one process, each a real agent over a simulated runtime: only its containers are not there. */
async function main(): Promise<void> {
  const role = JSON.parse(process.argv[2] ?? '{}') as Role;
  const logger = createLogger('nodes', 'error');
  const start = (number: number): Promise<unknown> => {
    const name = `sim-${number}`;
    const config = KubeletConfig.parse({
      NODE_NAME: name,
      API_URL: role.url,
      CA_FILE: role.caFile,
      CERT_FILE: path.join(role.certificates, `${name}.crt`),
      KEY_FILE: path.join(role.certificates, `${name}.key`),
      SERVING_CERT_FILE: path.join(role.certificates, 'serving.crt'),
      SERVING_KEY_FILE: path.join(role.certificates, 'serving.key'),
      CLUSTER: role.cluster,
      NODE_IP: `${prefixOf(role.clusterCidr)}.${number + 1}.1`,
      POD_CIDR: `${prefixOf(role.clusterCidr)}.${number + 1}.0/24`,
      ADVERTISE_ADDRESS: '127.0.0.1',
      CLUSTER_CIDR: role.clusterCidr,
      SERVICE_CIDR: role.serviceCidr,
      CLUSTER_DNS: `${prefixOf(role.serviceCidr)}.0.10`,
      DATA_DIR: path.join(role.data, name),
      RUNTIME: 'simulated',
      KUBELET_PORT: '0',
    });
    return startKubelet(config, logger);
  };
  for (let i = 0; i < role.nodes.length; i += STARTED_AT_ONCE) await Promise.all(role.nodes.slice(i, i + STARTED_AT_ONCE).map(start));
  process.send?.('ready');
}

process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
