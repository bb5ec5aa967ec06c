import path from 'node:path';
import { z } from 'zod';

const cidr = z.string().regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/, 'an IPv4 range such as 10.64.1.0/24');
const file = z.string().min(1);

/** The environment of a node's process: docs/architecture.md has the table. */
export const KubeletConfig = z
  .object({
    NODE_NAME: z.string().min(1).max(63),
    API_URL: z.url({ protocol: /^https$/ }),
    CA_FILE: file,
    CERT_FILE: file,
    KEY_FILE: file,
    CLUSTER: z.string().regex(/^[A-Za-z0-9-]+$/, 'letters, digits and dashes'),
    NODE_IP: z.ipv4(),
    POD_CIDR: cidr,
    ADVERTISE_ADDRESS: z.ipv4(),
    CLUSTER_CIDR: cidr,
    SERVICE_CIDR: cidr,
    CLUSTER_DNS: z.ipv4(),
    CLUSTER_DOMAIN: z.string().min(1).default('cluster.local'),
    SERVING_CERT_FILE: file,
    SERVING_KEY_FILE: file,
    DATA_DIR: z.string().min(1),
    RUNTIME: z.enum(['docker', 'simulated']).default('docker'),
    DOCKER_SOCKET: z.string().min(1).default('/var/run/docker.sock'),
    PROXY: z.enum(['nftables', 'userspace']).default('nftables'),
    KUBELET_PORT: z.coerce.number().int().min(0).max(65_535).default(10_250),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .transform((env) => ({
    nodeName: env.NODE_NAME,
    apiUrl: env.API_URL,
    caFile: env.CA_FILE,
    certFile: env.CERT_FILE,
    keyFile: env.KEY_FILE,
    cluster: env.CLUSTER,
    nodeIp: env.NODE_IP,
    podCidr: env.POD_CIDR,
    advertiseAddress: env.ADVERTISE_ADDRESS,
    clusterCidr: env.CLUSTER_CIDR,
    serviceCidr: env.SERVICE_CIDR,
    clusterDns: env.CLUSTER_DNS,
    clusterDomain: env.CLUSTER_DOMAIN,
    servingCertFile: env.SERVING_CERT_FILE,
    servingKeyFile: env.SERVING_KEY_FILE,
    dataDir: path.resolve(env.DATA_DIR),
    runtime: env.RUNTIME,
    dockerSocket: env.DOCKER_SOCKET,
    proxy: env.PROXY,
    kubeletPort: env.KUBELET_PORT,
    logLevel: env.LOG_LEVEL,
  }));

/** The settings of a node's process, parsed. */
export type KubeletConfig = z.output<typeof KubeletConfig>;
