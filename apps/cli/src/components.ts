import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';

import type { Api } from './api.js';
import type { Cluster, Secrets } from './cluster.js';
import { keepsLog, nodeName, possibleComponents } from './cluster.js';
import { Failure, codeOf, messageOf } from './failure.js';
import { until } from './polling.js';
import { forget, lastLines, launch, runningProcess, terminate } from './processes.js';
import type { Ending } from './processes.js';
import type { Folders } from './profile.js';
import { appOf, balancerSettings, controlPlaneSettings, inheritedSettings, nodeSettings } from './settings.js';

/** The folder `apps`, beside this app: `dist/apps` when built. */
const APPS = join(__dirname, '..', '..');

/** A cluster being brought up: its files, its passwords, and the wish to give up. */
export interface Bringing {
  readonly cluster: Cluster;
  readonly folders: Folders;
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
}

const READY_WITHIN_MS = 300_000;

/** Starts one of our own apps unless it runs. */
export async function startApp(bringing: Bringing, component: string): Promise<void> {
  const { folders } = bringing;
  if (runningProcess(folders.run, component) !== undefined) return;
  const entry = join(APPS, appOf(component), 'src', 'main.js');
  if (!existsSync(entry)) throw new Failure(`${entry} is missing`, ['Run `npm run build`, or start through ./decklog, which builds.']);
  const number = Number(/^node-(\d+)$/.exec(component)?.[1] ?? 0);
  const settings = settingsOf(bringing, component, number);
  if (number > 0) await mkdir(join(folders.nodes, component), { recursive: true, mode: 0o700 });
  await launch(folders.run, component, {
    command: process.execPath,
    args: [entry],
    env: { ...inheritedSettings(process.env), ...settings },
    cwd: folders.root,
    logFile: logFileOf(folders, component),
  });
}

function settingsOf({ cluster, folders, secrets }: Bringing, component: string, node: number): Readonly<Record<string, string>> {
  if (node > 0) return nodeSettings(cluster, folders, node);
  return component === 'balancer' ? balancerSettings(cluster, folders) : controlPlaneSettings(cluster, folders, secrets, component);
}

export function logFileOf(folders: Folders, component: string): string {
  return join(folders.logs, `${component}.log`);
}

/** A Failure with the end of its log when one of the components has ended. */
export function ended(folders: Folders, components: readonly string[]): Failure | undefined {
  const gone = components.find((component) => runningProcess(folders.run, component) === undefined);
  if (gone === undefined) return undefined;
  const file = logFileOf(folders, gone);
  const cause = causeIn(lastLines(file, 40)).join('\n');
  return new Failure(`${gone} ended:\n${cause}`, /^(HistoryAltered|LogRolledBack): /m.test(cause) ? WHEN_ALTERED : []);
}

/** What to do where a history is not what it was. */
const WHEN_ALTERED = [
  '`./decklog verify` reads all of it again, and says what else is wrong.',
  'Bring the folders of the log back from where they are whole. Or accept what is left: `./decklog rebuild` builds the projection from the',
  'log as it is now, and `./decklog verify --accept REASON` signs that you know.',
];

/** The lines of a log's end that say why: from the last one that names an error on, without stack and colours. */
export function causeIn(lines: readonly string[]): readonly string[] {
  const plain = lines.map((line) => line.replace(/\x1b\[[0-9;]*m/g, '')).filter((line) => !/^\s+at /.test(line));
  const thrown = plain.findLastIndex((line) => /^[A-Z]\w*[a-z]\w*( \[\w+\])?: /.test(line));
  const from = thrown === -1 ? plain.findLastIndex((line) => /\berror\b|FATAL/i.test(line)) : thrown;
  return from === -1 ? plain.slice(-8) : plain.slice(from, from + 12);
}

/** Waits until the API server says that it is ready, and each of its neighbours too. */
export async function controlPlaneReady(bringing: Bringing, components: readonly string[], api: Api): Promise<void> {
  const { cluster, folders, signal } = bringing;
  const hopeless = () => ended(folders, components);
  let said = 'nothing yet';
  const ready = async () => {
    try {
      const answer = await api('/readyz');
      said = `${answer.status} ${answer.body.slice(0, 200)}`;
      return answer.status === 200 ? true : undefined;
    } catch (error) {
      said = messageOf(error);
      if (codeOf(error)?.startsWith('CERT_') === true || codeOf(error) === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') {
        throw new Failure(`port ${cluster.ports.api} is served by someone else: ${said}`, ['Stop that server, or give --api-port.'], 1, {
          cause: error,
        });
      }
      return undefined;
    }
  };
  await until(ready, { forMs: READY_WITHIN_MS, what: 'the API server to be ready', hopeless, signal }).catch((error: unknown) => {
    if (error instanceof Failure && error.message.startsWith('waited'))
      throw new Failure(`${error.message}; it says: ${said}`, logsAdvice(cluster));
    throw error;
  });
  for (const component of components) {
    const port = cluster.ports.probes[component] ?? 0;
    if (port === 0 || component === 'apiserver' || component === 'control-plane') continue;
    await until(() => probed(port), { forMs: READY_WITHIN_MS, what: `${component} to be ready`, hopeless, signal });
  }
}

function logsAdvice(cluster: Cluster): readonly string[] {
  return [`See \`./decklog logs${cluster.profile === 'decklog' ? '' : ` -p ${cluster.profile}`}\`.`];
}

function probed(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const req = get({ host: '127.0.0.1', port, path: '/readyz', timeout: 2_000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? true : undefined);
    });
    req.on('timeout', () => req.destroy());
    req.on('error', () => resolve(undefined));
  });
}

interface NodeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface LeaseObject {
  readonly spec?: { readonly renewTime?: string };
}

/** Waits until a node is Ready and has renewed its lease since `sinceMs`: what an earlier run said does not count. */
export async function nodeReady(bringing: Bringing, number: number, api: Api, sinceMs: number): Promise<void> {
  const name = nodeName(number);
  const read = async <T>(path: string): Promise<T | undefined> => {
    const answer = await api(path).catch(() => undefined);
    return answer?.status === 200 ? (JSON.parse(answer.body) as T) : undefined;
  };
  const ready = async () => {
    const node = await read<NodeObject>(`/api/v1/nodes/${name}`);
    if (node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return undefined;
    const lease = await read<LeaseObject>(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
    return Date.parse(lease?.spec?.renewTime ?? '') >= sinceMs ? true : undefined;
  };
  await until(ready, {
    forMs: READY_WITHIN_MS,
    what: `${name} to be Ready (see ${logFileOf(bringing.folders, name)})`,
    hopeless: () => ended(bringing.folders, [name]),
    signal: bringing.signal,
  });
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  // Postgres' fast shutdown: sessions are ended, nothing is lost.
  postgres: { signal: 'SIGINT', graceMs: 30_000 },
};
const NATS_ENDING: Ending = { signal: 'SIGTERM', graceMs: 60_000 };
const APP_ENDING: Ending = { signal: 'SIGTERM', graceMs: 20_000 };

const endingOf = (component: string): Ending => (keepsLog(component) ? NATS_ENDING : (ENDINGS[component] ?? APP_ENDING));

/** Ends components, all at once; says which had to be killed. */
export async function endComponents(folders: Folders, components: readonly string[]): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    components.map(async (component) => {
      const record = runningProcess(folders.run, component);
      const outcome = record === undefined ? 'ended' : await terminate(record, endingOf(component));
      forget(folders.run, component);
      return outcome === 'killed' ? [component] : [];
    }),
  );
  return outcomes.flat();
}

/** The order in which a cluster ends: nodes, control plane, database, log. */
export function endingOrder(cluster: Cluster): readonly (readonly string[])[] {
  const all = possibleComponents(cluster.nodes);
  const nodes = all.filter((name) => appOf(name) === 'kubelet');
  const control = all.filter((name) => !nodes.includes(name) && !keepsLog(name) && name !== 'postgres');
  return [nodes, control, ['postgres'], all.filter(keepsLog)];
}
