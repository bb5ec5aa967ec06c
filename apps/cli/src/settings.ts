import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { addressesOf, nodeAddresses } from './addresses.js';
import type { Cluster, Secrets } from './cluster.js';
import { CLUSTER_DOMAIN, hostIdOf, NODE_PORTS, nodeName } from './cluster.js';
import { dockerSocket } from './docker.js';
import { logReplicasOf, serviceUrlOf } from './nats.js';
import { nodePairs } from './pki.js';
import { postgresUrlOf } from './postgres.js';
import type { Folders } from './profile.js';
import { descriptionsFile } from './upstream.js';

/** The app that a component of the control plane or a node is, as a folder under `apps/`. */
export function appOf(component: string): string {
  if (component === 'control-plane') return 'standalone';
  return /^node-\d+$/.test(component) ? 'kubelet' : component.replace(/-\d+$/, '');
}

/** Where the API servers themselves listen: behind the balancer, where there is one. */
function apiServersOf({ ports }: Cluster): readonly string[] {
  return (ports.apiServers ?? [ports.api]).map((port) => `127.0.0.1:${port}`);
}

function apiListenOf(cluster: Cluster, component: string): Readonly<Record<string, string>> {
  const [, number] = /^apiserver-(\d+)$/.exec(component) ?? [];
  const address = number === undefined ? undefined : apiServersOf(cluster)[Number(number) - 1];
  return address === undefined ? {} : { API_LISTEN: address };
}

/** Settings of the process in front of the API servers, which listens where a single one would. */
export function balancerSettings(cluster: Cluster, folders: Folders): Readonly<Record<string, string>> {
  const hosts = [...new Set(['127.0.0.1', cluster.advertiseAddress])];
  return {
    LISTEN: hosts.map((host) => `${host}:${cluster.ports.api}`).join(','),
    BACKENDS: apiServersOf(cluster).join(','),
    CA_FILE: join(folders.pki, 'ca.crt'),
    PROBE_PORT: String(cluster.ports.probes['balancer'] ?? 0),
  };
}

/** Settings of a process of the control plane (docs/architecture.md, "Processes and their settings"). */
export function controlPlaneSettings(
  cluster: Cluster,
  folders: Folders,
  secrets: Secrets,
  component: string,
): Readonly<Record<string, string>> {
  const descriptions = descriptionsFile();
  return {
    ...(descriptions === undefined ? {} : { DESCRIPTIONS_FILE: descriptions }),
    CLUSTER: cluster.id,
    NATS_URL: serviceUrlOf(cluster, secrets, appOf(component)),
    LOG_REPLICAS: String(logReplicasOf(cluster)),
    POSTGRES_URL: postgresUrlOf(cluster, secrets),
    PKI_DIR: folders.pki,
    SEALING_KEY_FILE: folders.sealingKey,
    CHECKPOINT_FILE: cluster.checkpointFile ?? folders.checkpointFile,
    ...(existsSync(folders.sinksFile) ? { SINKS_FILE: folders.sinksFile } : {}),
    ...(existsSync(folders.tokenFile) ? { TOKEN_AUTH_FILE: folders.tokenFile } : {}),
    ...(existsSync(folders.authenticationFile) ? { AUTHENTICATION_CONFIG: folders.authenticationFile } : {}),
    SERVICE_CIDR: cluster.fork?.serviceCidr ?? addressesOf(cluster.index).serviceCidr,
    NODE_PORTS,
    CLUSTER_DOMAIN,
    ...(cluster.fork === undefined ? {} : { CLOCK_FILE: folders.clockFile, SIMULATION_FILE: folders.simulationFile }),
    ...(cluster.fork?.schedulerProfile === undefined ? {} : { SCHEDULER_PROFILE: cluster.fork.schedulerProfile }),
    ADVERTISE_ADDRESS: cluster.advertiseAddress,
    API_PORT: String(cluster.ports.api),
    ...apiListenOf(cluster, component),
    ...(cluster.layout === 'ha' ? { REPLICA: component } : {}),
    PROBE_PORT: String(cluster.ports.probes[component] ?? 0),
  };
}

/** Settings of the process of the cluster's `number`th node. */
export function nodeSettings(cluster: Cluster, folders: Folders, number: number): Readonly<Record<string, string>> {
  const name = nodeName(number);
  const { ip, podCidr } = nodeAddresses(cluster.index, number);
  const { clusterCidr, serviceCidr, dns } = addressesOf(cluster.index);
  const { client, serving } = nodePairs(folders, name);
  return {
    NODE_NAME: name,
    API_URL: `https://127.0.0.1:${cluster.ports.api}`,
    CA_FILE: join(folders.pki, 'ca.crt'),
    CERT_FILE: `${client}.crt`,
    KEY_FILE: `${client}.key`,
    SERVING_CERT_FILE: `${serving}.crt`,
    SERVING_KEY_FILE: `${serving}.key`,
    CLUSTER: hostIdOf(cluster),
    NODE_IP: ip,
    POD_CIDR: podCidr,
    ADVERTISE_ADDRESS: cluster.advertiseAddress,
    CLUSTER_CIDR: clusterCidr,
    SERVICE_CIDR: serviceCidr,
    CLUSTER_DNS: dns,
    CLUSTER_DOMAIN,
    DATA_DIR: join(folders.nodes, name),
    RUNTIME: cluster.runtime,
    DOCKER_SOCKET: dockerSocket(),
    PROXY: cluster.proxy,
  };
}

/** Settings of the control plane that whoever starts it may choose, where they are numbers (docs/architecture.md). */
const AMOUNTS = [
  'AUDIT_MAX_DAYS',
  'AUDIT_MAX_MIB',
  'COMPACTION_HORIZON_MINUTES',
  'EVENT_AGE_DAYS',
  'OTEL_TRACES_SAMPLER_ARG',
  'SECRET_KEY_GRACE_HOURS',
  'SHARDS',
] as const;
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS'] as const;

/** What a process of ours inherits of the environment of whoever started it: nothing that would differ by chance. */
export function inheritedSettings(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const level = env['LOG_LEVEL'] ?? '';
  return {
    ...Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    ...(['debug', 'info', 'warn', 'error'].includes(level) ? { LOG_LEVEL: level } : {}),
    ...Object.fromEntries(AMOUNTS.flatMap((name) => (/^\d+(\.\d+)?$/.test(env[name] ?? '') ? [[name, env[name] ?? '']] : []))),
    ...(['cache', 'projection'].includes(env['READS_FROM'] ?? '') ? { READS_FROM: env['READS_FROM'] ?? '' } : {}),
  };
}
