import { createHmac } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';

import { publishable, SERVICE_USERS, SUBSCRIBABLE, type LogUser, type ServiceUser } from '#libs/log';
import type { Cluster, Secrets } from './cluster.js';
import { NATS_SERVERS, natsComponents } from './cluster.js';
import { Failure } from './failure.js';
import { until } from './polling.js';
import { lastLines, launch, runningProcess } from './processes.js';
import type { Folders } from './profile.js';
import { readIfThere, writeWhole } from './profile.js';

const USERS = [
  { name: 'decklog', user: 'control-plane', password: 'nats' },
  { name: 'decklog-archiver', user: 'archiver', password: 'natsArchiver' },
  { name: 'decklog-backup', user: 'backup', password: 'natsBackup' },
  { name: 'decklog-restorer', user: 'restorer', password: 'natsRestorer' },
] as const;
const [CONTROL_PLANE, ARCHIVER, BACKUP, RESTORER] = USERS;

/** One server of the cluster's log, and where it is. */
export interface NatsServer {
  readonly component: string;
  readonly name: string;
  readonly client: number;
  readonly monitor: number;
  /** Where the others reach it; absent: it is alone. */
  readonly route?: number;
  readonly folder: string;
}

/** The servers of the cluster's own log; none where the log is someone else's. */
export function natsServersOf(cluster: Cluster, folders: Pick<Folders, 'nats'>): readonly NatsServer[] {
  return natsComponents(cluster).map((component, i) => {
    const ports = cluster.ports.natsServers?.[i];
    const { nats: client, natsMonitor: monitor } = cluster.ports;
    if (ports === undefined) return { component, name: `decklog-${cluster.id}`, client, monitor, folder: folders.nats };
    return { component, name: `decklog-${cluster.id}-${i + 1}`, ...ports, folder: join(folders.nats, String(i + 1)) };
  });
}

/** An entry of the server's settings; none where there is no password. */
function userText(id: string, name: string, user: LogUser, password: string | undefined): readonly string[] {
  if (password === undefined) return [];
  return [
    `    {
      user: "${name}"
      password: "${password}"
      permissions {
        publish: ${JSON.stringify(publishable(id, user))}
        subscribe: ${JSON.stringify(SUBSCRIBABLE)}
      }
    }`,
  ];
}

const serviceName = (user: ServiceUser): string => `decklog-${user}`;

/** A password for each service, none of which tells another. */
const servicePassword = ({ nats }: Secrets, user: ServiceUser): string =>
  createHmac('sha256', nats).update(user).digest('hex').slice(0, 48);

/**
 * Settings of a server of the cluster's log: loopback alone, one fsync per acknowledged message or batch, messages of
 * 4 MiB, and users who may do what `publishable` lists: nobody may purge the log or delete a stream of it. Where there are several,
 * only who knows their password becomes one of them.
 */
export function natsConfig(cluster: Pick<Cluster, 'id'>, secrets: Secrets, server: NatsServer, all: readonly NatsServer[]): string {
  const users = [
    ...USERS.flatMap(({ name, user, password }) => userText(cluster.id, name, user, secrets[password])),
    ...SERVICE_USERS.flatMap((user) => userText(cluster.id, serviceName(user), user, servicePassword(secrets, user))),
  ];
  return `server_name: "${server.name}"
listen: "127.0.0.1:${server.client}"
http: "127.0.0.1:${server.monitor}"
max_payload: 4MB
write_deadline: "10s"
jetstream {
  store_dir: ${JSON.stringify(join(server.folder, 'data'))}
  sync_interval: always
  max_memory_store: 256MB
}
authorization {
  users: [
${users.join('\n')}
  ]
}
${clusterConfig(cluster, secrets, server, all)}`;
}

/** How the servers of one log find each other, and notice that one is gone; nothing for one that is alone. */
function clusterConfig({ id }: Pick<Cluster, 'id'>, { natsRoute }: Secrets, { route }: NatsServer, all: readonly NatsServer[]): string {
  if (route === undefined) return '';
  const routes = all.flatMap((other) => (other.route === undefined ? [] : [`nats://route:${natsRoute}@127.0.0.1:${other.route}`]));
  return `ping_interval: "2s"
ping_max: 2
cluster {
  name: "decklog-${id}"
  listen: "127.0.0.1:${route}"
  authorization {
    user: route
    password: "${natsRoute}"
  }
  routes: ${JSON.stringify(routes)}
}
`;
}

/** Where the apps reach the log, password included. */
export function natsUrlOf(cluster: Cluster, secrets: Secrets): string {
  return cluster.natsUrl ?? urlOf(cluster, CONTROL_PLANE.name, secrets.nats);
}

/** The same for a process of the control plane: where each app is apart, with the rights that it needs alone. */
export function serviceUrlOf(cluster: Cluster, secrets: Secrets, app: string): string {
  const user = SERVICE_USERS.find((service) => service === app);
  if (cluster.natsUrl !== undefined || user === undefined) return natsUrlOf(cluster, secrets);
  return urlOf(cluster, serviceName(user), servicePassword(secrets, user));
}

/** Where the log is for whoever archives it; undefined where its server is someone else's: the user there is theirs to name. */
export function archiverUrlOf(cluster: Cluster, secrets: Secrets): string | undefined {
  return cluster.natsUrl === undefined ? urlOf(cluster, ARCHIVER.name, secrets.natsArchiver) : undefined;
}

function urlOf({ ports }: Cluster, user: string, password: string): string {
  const clients = ports.natsServers?.map(({ client }) => client) ?? [ports.nats];
  return clients.map((port) => `nats://${user}:${password}@127.0.0.1:${port}`).join(',');
}

/** Where the log is for what opens it: its address, whose it is, and how many copies of it there are. */
export function logPlaceOf(
  cluster: Cluster,
  secrets: Secrets,
): { readonly url: string; readonly cluster: string; readonly replicas: number } {
  return { url: natsUrlOf(cluster, secrets), cluster: cluster.id, replicas: logReplicasOf(cluster) };
}

/** How many copies of the log there are. */
export const logReplicasOf = ({ layout }: Pick<Cluster, 'layout'>): number => (layout === 'ha' ? NATS_SERVERS : 1);

/** Whether enough of the cluster's own servers run for the log to answer; true where it is someone else's. */
export function logRuns(cluster: Cluster, folders: Pick<Folders, 'run'>): boolean {
  const all = natsComponents(cluster);
  const running = all.filter((component) => runningProcess(folders.run, component) !== undefined);
  return all.length === 0 || running.length > all.length / 2;
}

/** Throws a Failure where the log does not run. */
export function requireLog(cluster: Cluster, folders: Pick<Folders, 'run'>): void {
  if (logRuns(cluster, folders)) return;
  const start = `./decklog start${cluster.profile === 'decklog' ? '' : ` -p ${cluster.profile}`}`;
  throw new Failure(`nats of profile "${cluster.profile}" is not running`, [`Run \`${start}\` first.`]);
}

/** The same for whoever backs it up. */
export function backupUrlOf(cluster: Cluster, secrets: Secrets): string | undefined {
  return cluster.natsUrl === undefined ? urlOf(cluster, BACKUP.name, secrets.natsBackup) : undefined;
}

/** Where a backup is restored to, by who may do that for now. */
export const restorerUrlOf = (cluster: Cluster, password: string): string => urlOf(cluster, RESTORER.name, password);

/**
 * Brings the log's servers up and waits until they have read their stores. One that runs takes over settings that an older
 * version wrote otherwise; harmless where there are none. `program` finds nats-server where one has to be started.
 */
export async function startNats(
  cluster: Cluster,
  folders: Folders,
  secrets: Secrets,
  program: () => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  const all = natsServersOf(cluster, folders);
  for (const server of all) await launchServer(server, natsConfig(cluster, secrets, server, all), folders, program);
  for (const server of all) {
    await until(() => healthy(server), {
      forMs: 300_000,
      what: all.length === 1 ? 'the log to be healthy' : `${server.component} to be healthy`,
      signal,
      hopeless: () => endedServer(all, folders),
    });
  }
}

async function launchServer(
  { component, folder }: NatsServer,
  config: string,
  folders: Folders,
  program: () => Promise<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const configFile = join(folder, 'server.conf');
  const isWritten = (await readIfThere(configFile)) === config;
  if (!isWritten) await writeWhole(configFile, config);
  const running = runningProcess(folders.run, component);
  if (running !== undefined && !isWritten) process.kill(running.pid, 'SIGHUP');
  if (running !== undefined) return;
  await launch(folders.run, component, {
    command: await program(),
    args: ['--config', configFile],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    cwd: folder,
    logFile: logOf(folders, component),
  });
}

const logOf = (folders: Folders, component: string): string => join(folders.logs, `${component}.log`);

function endedServer(all: readonly NatsServer[], folders: Folders): Failure | undefined {
  const gone = all.find(({ component }) => runningProcess(folders.run, component) === undefined);
  if (gone === undefined) return undefined;
  const title = all.length === 1 ? 'nats-server' : gone.component;
  return new Failure(`${title} ended:\n${lastLines(logOf(folders, gone.component), 8).join('\n')}`);
}

/** Healthy, and no other server: one that has our port is told by its name. */
async function healthy({ monitor, name }: NatsServer): Promise<true | undefined> {
  if ((await ask(monitor, '/healthz')) === undefined) return undefined;
  const about = await ask(monitor, '/varz');
  return about !== undefined && (JSON.parse(about) as { server_name?: string }).server_name === name ? true : undefined;
}

/** What the server's monitor answers; undefined where it does not, or says that it is not well. */
function ask(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const req = get({ host: '127.0.0.1', port, path, timeout: 2_000, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve(response.statusCode === 200 ? body : undefined));
    });
    req.on('timeout', () => req.destroy());
    req.on('error', () => resolve(undefined));
  });
}
