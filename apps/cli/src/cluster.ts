/** Apps of the control plane, each a process of its own in layout `apart`, and several in layout `ha`. */
export const CONTROL_PLANE_APPS = [
  'apiserver',
  'projector',
  'scheduler',
  'replication',
  'endpoints',
  'serviceaccounts',
  'lifecycle',
] as const;

export type Runtime = 'docker' | 'simulated';

/** How nodes serve Services: by the kernel's tables, or by forwarding themselves. */
export type ProxyMode = 'nftables' | 'userspace';

/** All in one process, each app in a process of its own, or several of everything that share the work. */
export type Layout = 'standalone' | 'apart' | 'ha';

/** Of layout `ha`: how many servers keep the log, and how many processes each app of the control plane has. */
export const NATS_SERVERS = 3;
export const APP_REPLICAS = 2;

/** Ports of one of several servers of the log. */
export interface NatsPorts {
  readonly client: number;
  readonly monitor: number;
  /** Where the others reach it. */
  readonly route: number;
}

/** Ports of a cluster, all on loopback; the API server's also on the advertised address. */
export interface Ports {
  readonly api: number;
  readonly nats: number;
  readonly natsMonitor: number;
  readonly postgres: number;
  /** `/livez` and `/readyz` of each control plane process, by component. */
  readonly probes: Readonly<Record<string, number>>;
  /** Of layout `ha`: of each server of the log, and of each API server behind the balancer, which has `api`. */
  readonly natsServers?: readonly NatsPorts[];
  readonly apiServers?: readonly number[];
}

/** What a cluster that began in another's past remembers of that. */
export interface ForkOrigin {
  /** The profile it was made from, and its cluster's id. */
  readonly of: string;
  readonly clusterId: string;
  /** The newest event of `state` that it knows of the other's past. */
  readonly at: number;
  /** When that was, RFC 3339: where its clock began. */
  readonly time: string;
  /** How many times faster than real time its clock runs. */
  readonly speed: number;
  /** The other's: the addresses of its Services stay what they were. Nothing is routed there. */
  readonly serviceCidr: string;
  readonly schedulerProfile?: string;
  /** The request that never happened here. */
  readonly excludeRoot?: number;
  /** What people did after `at` happens here as well. */
  readonly replay?: boolean;
  readonly withoutSecrets?: boolean;
  /** Its log holds all that it begins with. */
  readonly seeded: boolean;
}

/** What a profile's `cluster.json` holds: everything `start` needs to bring the same cluster up again. */
export interface Cluster {
  readonly schema: 1;
  readonly profile: string;
  /** Six hexadecimal digits: token of every subject, part of every name on the machine. */
  readonly id: string;
  /** Ranges of addresses follow from it. */
  readonly index: number;
  readonly createdAt: string;
  readonly runtime: Runtime;
  readonly layout: Layout;
  /** How many; they are `node-1` and on. */
  readonly nodes: number;
  /** Address at which pods reach the API server; 127.0.0.1 where the cluster could make no interface. */
  readonly advertiseAddress: string;
  readonly proxy: ProxyMode;
  readonly ports: Ports;
  /** A server of someone else's; absent: the cluster runs its own. */
  readonly natsUrl?: string;
  readonly postgresUrl?: string;
  /** Absent: it began empty. */
  readonly fork?: ForkOrigin;
  /** Its name on the machine, where the cluster it was restored from is on the same one; absent: its id. */
  readonly hostId?: string;
  /** File of signed checkpoints; absent: `checkpoints.ndjson` in the profile's folder. */
  readonly checkpointFile?: string;
  /** Folder of what was archived of the log; absent: `archive` in the profile's. */
  readonly archive?: string;
}

/** Passwords of the cluster's own servers. */
export interface Secrets {
  /** Of the control plane. */
  readonly nats: string;
  /** Of whoever archives the log. */
  readonly natsArchiver: string;
  /** Of the log's servers among themselves. */
  readonly natsRoute: string;
  /** Of whoever backs it up. */
  readonly natsBackup: string;
  /** Of whoever restores a backup: drawn for that, known to the server until it is done, and kept nowhere. */
  readonly natsRestorer?: string;
  readonly postgres: string;
}

/** What everything of a cluster on the machine is named after. */
export const hostIdOf = ({ id, hostId = id }: Pick<Cluster, 'id' | 'hostId'>): string => hostId;

export const CLUSTER_DOMAIN = 'cluster.local';
export const NODE_PORTS = '30000-32767';

/** A profile's name is a DNS label short enough for what is named after it. */
export function validProfile(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/.test(name);
}

export function nodeName(number: number): string {
  return `node-${number}`;
}

/** The processes of the control plane in the cluster's layout, in the order they start. */
export function controlPlaneComponents(layout: Layout): readonly string[] {
  if (layout === 'standalone') return ['control-plane'];
  return layout === 'apart' ? CONTROL_PLANE_APPS : HA_COMPONENTS;
}

/** `replication-2` of the app and the number of one of its processes. */
export const replicaName = (app: string, number: number): string => `${app}-${number}`;

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
const replicasOf = (app: string): readonly string[] => numbers(APP_REPLICAS).map((number) => replicaName(app, number));

/** The API servers first: everything else waits for what they serve. */
const HA_COMPONENTS: readonly string[] = [
  ...replicasOf('apiserver'),
  'balancer',
  ...CONTROL_PLANE_APPS.slice(1).flatMap((app) => replicasOf(app)),
];

const HA_NATS: readonly string[] = numbers(NATS_SERVERS).map((number) => replicaName('nats', number));

/** The servers of the cluster's own log; none where the log is someone else's. */
export function natsComponents({ layout, natsUrl }: Pick<Cluster, 'layout' | 'natsUrl'>): readonly string[] {
  if (natsUrl !== undefined) return [];
  return layout === 'ha' ? HA_NATS : ['nats'];
}

/** Every process of the cluster, in the order they start. */
export function componentsOf(cluster: Pick<Cluster, 'layout' | 'nodes' | 'natsUrl' | 'postgresUrl'>): readonly string[] {
  return [
    ...natsComponents(cluster),
    ...(cluster.postgresUrl === undefined ? ['postgres'] : []),
    ...controlPlaneComponents(cluster.layout),
    ...Array.from({ length: cluster.nodes }, (_, i) => nodeName(i + 1)),
  ];
}

/** Every process the profile may ever have had: those of all layouts. */
export function possibleComponents(nodes: number): readonly string[] {
  return [
    'nats',
    ...HA_NATS,
    'postgres',
    'control-plane',
    ...CONTROL_PLANE_APPS,
    ...HA_COMPONENTS,
    ...Array.from({ length: nodes }, (_, i) => nodeName(i + 1)),
  ];
}

/** Which of them keep the log. */
export const keepsLog = (component: string): boolean => component === 'nats' || HA_NATS.includes(component);

/** What the ports of a block are for. The API server prefers 6443, and takes the block's first where that is gone. */
export function assignPorts(block: readonly number[], api: number, several = false): Ports {
  const [, nats = 0, natsMonitor = 0, postgres = 0, ...rest] = block;
  const take = (): number => rest.shift() ?? 0;
  if (!several) {
    const probes = Object.fromEntries(['control-plane', ...CONTROL_PLANE_APPS].map((name) => [name, take()]));
    return { api, nats, natsMonitor, postgres, probes };
  }
  const natsServers = HA_NATS.map((_, i) => ({
    client: i === 0 ? nats : take(),
    monitor: i === 0 ? natsMonitor : take(),
    route: take(),
  }));
  const apiServers = numbers(APP_REPLICAS).map(take);
  const probes = Object.fromEntries(HA_COMPONENTS.map((name) => [name, take()]));
  return { api, nats, natsMonitor, postgres, probes, natsServers, apiServers };
}

/** All ports that a cluster holds. */
export function heldPorts({ api, nats, natsMonitor, postgres, probes, natsServers = [], apiServers = [] }: Ports): readonly number[] {
  const ofServers = natsServers.flatMap(({ client, monitor, route }) => [client, monitor, route]);
  return [...new Set([api, nats, natsMonitor, postgres, ...ofServers, ...apiServers, ...Object.values(probes)])];
}
