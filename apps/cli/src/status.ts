import { addressesOf } from './addresses.js';
import type { Cluster, ForkOrigin } from './cluster.js';
import { componentsOf } from './cluster.js';
import { readClock } from './fork/clock.js';
import { recordOf, alive } from './processes.js';
import type { Folders } from './profile.js';
import { askLog, askProcess, detailsOf, detailText, problemLines, processTable, type StatusDetails } from './status/index.js';

export type ClusterState = 'Running' | 'Stopped' | 'Degraded' | 'Missing';

/** A process of the cluster as `status` shows it. */
export interface ComponentStatus {
  readonly name: string;
  /** 0 where it does not run. */
  readonly pid: number;
  readonly state: 'Running' | 'Stopped';
  /** ISO time at which it was started. */
  readonly since?: string;
}

/** What `status -o json` prints. */
export interface ClusterStatus {
  readonly profile: string;
  readonly state: ClusterState;
  readonly components: readonly ComponentStatus[];
  readonly id?: string;
  readonly runtime?: string;
  readonly layout?: string;
  readonly nodes?: number;
  readonly apiServer?: string;
  readonly advertiseAddress?: string;
  readonly clusterCidr?: string;
  readonly serviceCidr?: string;
  readonly folder?: string;
  /** What the processes that run say of themselves; absent: nobody was asked. */
  readonly details?: StatusDetails;
  /** Of a fork: whose past it began in, and what its clock says. */
  readonly fork?: ForkStatus;
}

/** A fork as `status` shows it. */
export interface ForkStatus {
  readonly of: string;
  /** Sequence of `state` up to which it knows the other's past, and when that was. */
  readonly at: number;
  readonly time: string;
  readonly excludeRoot?: number;
  readonly clock: string;
  readonly speed: number;
  readonly schedulerProfile?: string;
}

function forkStatus({ of, at, time, excludeRoot, speed, schedulerProfile }: ForkOrigin, folders: Folders): ForkStatus {
  const clock = new Date(readClock(folders) ?? Date.parse(time)).toISOString();
  return {
    of,
    at,
    time,
    ...(excludeRoot === undefined ? {} : { excludeRoot }),
    clock,
    speed,
    ...(schedulerProfile === undefined ? {} : { schedulerProfile }),
  };
}

/** Running when all run, Stopped when none does. */
export function stateOf(components: readonly ComponentStatus[]): ClusterState {
  const running = components.filter(({ state }) => state === 'Running').length;
  if (running === components.length) return 'Running';
  return running === 0 ? 'Stopped' : 'Degraded';
}

export function statusOf(profile: string, cluster: Cluster | undefined, folders: Folders): ClusterStatus {
  if (cluster === undefined) return { profile, state: 'Missing', components: [] };
  const components = componentsOf(cluster).map((name): ComponentStatus => {
    const record = recordOf(folders.run, name);
    if (record === undefined || !alive(record)) return { name, pid: 0, state: 'Stopped' };
    return { name, pid: record.pid, state: 'Running', since: record.since };
  });
  const { clusterCidr, serviceCidr } = addressesOf(cluster.index);
  return {
    profile,
    state: stateOf(components),
    components,
    id: cluster.id,
    runtime: cluster.runtime,
    layout: cluster.layout,
    ...(cluster.fork === undefined ? { nodes: cluster.nodes } : { fork: forkStatus(cluster.fork, folders) }),
    apiServer: `https://127.0.0.1:${cluster.ports.api}`,
    advertiseAddress: cluster.advertiseAddress,
    clusterCidr,
    serviceCidr,
    folder: folders.root,
  };
}

/** A status with what the processes that run, and the log's own servers, say when they are asked. Nobody is waited for long. */
export async function detailedStatus(profile: string, cluster: Cluster | undefined, folders: Folders): Promise<ClusterStatus> {
  const status = statusOf(profile, cluster, folders);
  if (cluster === undefined || status.state === 'Stopped') return status;
  const { ports, id, natsUrl } = cluster;
  const asked = status.components.filter(({ name, state }) => state === 'Running' && (ports.probes[name] ?? 0) > 0);
  const [answers, log] = await Promise.all([
    Promise.all(asked.map(({ name }) => askProcess(name, ports.probes[name] ?? 0))),
    natsUrl === undefined ? askLog(ports.natsServers?.map(({ monitor }) => monitor) ?? [ports.natsMonitor], id) : [],
  ]);
  return { ...status, details: detailsOf(answers, log) };
}

function forkLines({ of, at, time, excludeRoot, clock, speed, schedulerProfile }: ForkStatus): readonly string[] {
  return [
    `fork of:   ${of} at state:${at} (${time})${excludeRoot === undefined ? '' : `, without state:${excludeRoot}`}`,
    `clock:     ${clock}, at ${speed}x`,
    ...(schedulerProfile === undefined ? [] : [`scheduler: ${schedulerProfile}`]),
  ];
}

/** The status for people. */
export function statusText(status: ClusterStatus): string {
  const head = [
    `profile:   ${status.profile}`,
    `state:     ${status.state}`,
    ...(status.apiServer === undefined ? [] : [`apiserver: ${status.apiServer}`]),
    ...(status.runtime === undefined ? [] : [`runtime:   ${status.runtime}`]),
    ...(status.fork === undefined ? [] : forkLines(status.fork)),
  ];
  const { components, details = { processes: [], services: [], projections: [], log: [] } } = status;
  if (components.length === 0) return head.join('\n');
  const problems = problemLines(details).map((line, i) => `${i === 0 ? 'problems:  ' : '           '}${line}`);
  return [...head, ...problems, '', processTable(components, details), ...detailText(details)].join('\n');
}
