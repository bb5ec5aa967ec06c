import { get } from 'node:http';
import { join } from 'node:path';

import { publishable, SUBSCRIBABLE } from '#libs/log';
import type { Cluster, Secrets } from './cluster.js';
import { Failure } from './failure.js';
import { until } from './polling.js';
import { lastLines, launch, runningProcess } from './processes.js';
import type { Folders } from './profile.js';
import { readIfThere, writeWhole } from './profile.js';

const USERS = [
  { name: 'decklog', user: 'control-plane', password: 'nats' },
  { name: 'decklog-archiver', user: 'archiver', password: 'natsArchiver' },
] as const;
const [CONTROL_PLANE, ARCHIVER] = USERS;

/**
 * Settings of the cluster's nats-server: loopback alone, one fsync per acknowledged message or batch, messages of
 * 4 MiB, and users who may do what `publishable` lists: nobody may purge the log or delete a stream of it.
 */
export function natsConfig(cluster: Pick<Cluster, 'id' | 'ports'>, secrets: Secrets, storeFolder: string): string {
  const users = USERS.map(
    ({ name, user, password }) => `    {
      user: "${name}"
      password: "${secrets[password]}"
      permissions {
        publish: ${JSON.stringify(publishable(cluster.id, user))}
        subscribe: ${JSON.stringify(SUBSCRIBABLE)}
      }
    }`,
  );
  return `server_name: "${serverName(cluster)}"
listen: "127.0.0.1:${cluster.ports.nats}"
http: "127.0.0.1:${cluster.ports.natsMonitor}"
max_payload: 4MB
write_deadline: "10s"
jetstream {
  store_dir: ${JSON.stringify(storeFolder)}
  sync_interval: always
  max_memory_store: 256MB
}
authorization {
  users: [
${users.join('\n')}
  ]
}
`;
}

/** Where the apps reach the log, password included. */
export function natsUrlOf(cluster: Cluster, secrets: Secrets): string {
  return cluster.natsUrl ?? urlOf(cluster, CONTROL_PLANE.name, secrets.nats);
}

/** Where the log is for whoever archives it; undefined where its server is someone else's: the user there is theirs to name. */
export function archiverUrlOf(cluster: Cluster, secrets: Secrets): string | undefined {
  return cluster.natsUrl === undefined ? urlOf(cluster, ARCHIVER.name, secrets.natsArchiver) : undefined;
}

const urlOf = ({ ports }: Cluster, user: string, password: string): string => `nats://${user}:${password}@127.0.0.1:${ports.nats}`;

/**
 * Brings the log's server up and waits until it has read its store. One that runs takes over settings that an older
 * version wrote otherwise; harmless where there are none.
 */
export async function startNats(cluster: Cluster, folders: Folders, secrets: Secrets, program: string, signal: AbortSignal): Promise<void> {
  const logFile = join(folders.logs, 'nats.log');
  const configFile = join(folders.nats, 'server.conf');
  const config = natsConfig(cluster, secrets, join(folders.nats, 'data'));
  const isWritten = (await readIfThere(configFile)) === config;
  if (!isWritten) await writeWhole(configFile, config);
  const running = runningProcess(folders.run, 'nats');
  if (running !== undefined && !isWritten) process.kill(running.pid, 'SIGHUP');
  if (running === undefined) {
    await launch(folders.run, 'nats', {
      command: program,
      args: ['--config', configFile],
      env: { PATH: process.env['PATH'] ?? '', HOME: folders.nats },
      cwd: folders.nats,
      logFile,
    });
  }
  await until(() => healthy(cluster), {
    forMs: 300_000,
    what: 'the log to be healthy',
    signal,
    hopeless: () =>
      runningProcess(folders.run, 'nats') === undefined
        ? new Failure(`nats-server ended:\n${lastLines(logFile, 8).join('\n')}`)
        : undefined,
  });
}

/** Healthy, and no other server: one that has our port is told by its name. */
async function healthy(cluster: Cluster): Promise<true | undefined> {
  if ((await ask(cluster.ports.natsMonitor, '/healthz')) === undefined) return undefined;
  const about = await ask(cluster.ports.natsMonitor, '/varz');
  return about !== undefined && (JSON.parse(about) as { server_name?: string }).server_name === serverName(cluster) ? true : undefined;
}

function serverName(cluster: Pick<Cluster, 'id'>): string {
  return `decklog-${cluster.id}`;
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
