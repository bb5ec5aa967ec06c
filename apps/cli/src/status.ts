import { addressesOf } from './addresses.js';
import type { Cluster, ForkOrigin } from './cluster.js';
import { componentsOf } from './cluster.js';
import { readClock } from './fork/clock.js';
import { recordOf, alive } from './processes.js';
import type { Folders } from './profile.js';
import { plainTable } from './table.js';

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
  const rows = status.components.map(({ name, state, pid, since }) => [name, state, pid === 0 ? '-' : String(pid), since ?? '-']);
  if (rows.length === 0) return head.join('\n');
  return [...head, '', plainTable(['COMPONENT', 'STATE', 'PID', 'SINCE'], rows)].join('\n');
}
