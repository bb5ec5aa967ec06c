/** Apps of the control plane, each a process of its own in layout `apart`. */
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
export type Layout = 'standalone' | 'apart';

/** Ports of a cluster, all on loopback; the API server's also on the advertised address. */
export interface Ports {
  readonly api: number;
  readonly nats: number;
  readonly natsMonitor: number;
  readonly postgres: number;
  /** `/livez` and `/readyz` of each control plane process, by component. */
  readonly probes: Readonly<Record<string, number>>;
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
  readonly postgres: string;
}

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
  return layout === 'standalone' ? ['control-plane'] : CONTROL_PLANE_APPS;
}

/** Every process of the cluster, in the order they start. */
export function componentsOf(cluster: Pick<Cluster, 'layout' | 'nodes' | 'natsUrl' | 'postgresUrl'>): readonly string[] {
  return [
    ...(cluster.natsUrl === undefined ? ['nats'] : []),
    ...(cluster.postgresUrl === undefined ? ['postgres'] : []),
    ...controlPlaneComponents(cluster.layout),
    ...Array.from({ length: cluster.nodes }, (_, i) => nodeName(i + 1)),
  ];
}

/** Every process the profile may ever have had: those of both layouts. */
export function possibleComponents(nodes: number): readonly string[] {
  return ['nats', 'postgres', 'control-plane', ...CONTROL_PLANE_APPS, ...Array.from({ length: nodes }, (_, i) => nodeName(i + 1))];
}

/** What the ports of a block are for. The API server prefers 6443, and takes the block's first where that is gone. */
export function assignPorts(block: readonly number[], api: number): Ports {
  const [, nats = 0, natsMonitor = 0, postgres = 0, ...rest] = block;
  const probes = Object.fromEntries(['control-plane', ...CONTROL_PLANE_APPS].map((name, i) => [name, rest[i] ?? 0]));
  return { api, nats, natsMonitor, postgres, probes };
}

/** All ports that a cluster holds. */
export function heldPorts(ports: Ports): readonly number[] {
  return [ports.api, ports.nats, ports.natsMonitor, ports.postgres, ...Object.values(ports.probes)];
}
