/**
 * Many nodes, pods, Services and watchers on one cluster: how long until all is steady, what each process uses meanwhile, and how long
 * until all runs elsewhere when half the nodes vanish.
 *
 *   npm run bench:scale -- [--nodes 200] [--pods 10000] [--services 1000] [--watchers 500] [--ha] [--profile NAME] [--keep]
 *
 * Nodes are real agents over simulated runtimes, several in a process.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICES, type Deployment, type Node, type Pod, type Service } from '#libs/api';
import type { ApiClient } from '#libs/client';
import { watchResource } from '#libs/client';
import { adminOf, certify, placeOf, usedBy, type Place, type Used } from './place.js';

const { values: opt } = parseArgs({
  options: {
    nodes: { type: 'string', default: '200' },
    pods: { type: 'string', default: '10000' },
    services: { type: 'string', default: '1000' },
    watchers: { type: 'string', default: '500' },
    processes: { type: 'string', default: '4' },
    within: { type: 'string', default: '500' },
    profile: { type: 'string', default: `scale${process.pid}` },
    ha: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const [NODE_COUNT, POD_COUNT, SERVICE_COUNT, WATCHER_COUNT] = [opt.nodes, opt.pods, opt.services, opt.watchers].map(Number) as [
  number,
  number,
  number,
  number,
];
const LAUNCHER = path.join(__dirname, '../../../decklog');
const SPACES = 10;
/** How long a pod stays on a node that does not answer, once that is known: 300 s unless a pod says otherwise, as these do. */
const TOLERATION_SECONDS = 30;

const spaceOf = (number: number): string => `scale-${number % SPACES}`;
const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

/** Resolves as soon as the condition holds; it is looked at whenever somebody says that something has changed. */
class Condition {
  private readonly waiting = new Set<() => void>();

  changed(): void {
    for (const look of this.waiting) look();
  }

  until(holds: () => boolean, what: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => {
          this.waiting.delete(look);
          reject(new Error(`not within ${opt.within} s: ${what()}`));
        },
        Number(opt.within) * 1_000,
      );
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(late);
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }
}

const service = (number: number): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `web-${number}`, namespace: spaceOf(number) },
  spec: { selector: { app: `web-${number}` }, ports: [{ port: 80, targetPort: 8080 }] },
});

const deployment = (number: number, replicas: number): Deployment => {
  const labels = { app: `web-${number}` };
  const gone = ['not-ready', 'unreachable'].map((taint) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `web-${number}`, namespace: spaceOf(number) },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          tolerations: gone,
          containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '1m', memory: '1Mi' } } }],
        },
      },
    },
  };
};

async function all<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

async function begun(file: string, role: object): Promise<ChildProcess> {
  const child = fork(path.join(__dirname, file), [JSON.stringify(role)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

async function startNodes(place: Place, folder: string): Promise<readonly ChildProcess[]> {
  const certificates = path.join(folder, 'pki');
  await certify(
    place,
    upTo(NODE_COUNT).map((number) => `sim-${number}`),
    certificates,
  );
  const each = Math.ceil(NODE_COUNT / Number(opt.processes));
  const { url, id: cluster, clusterCidr, serviceCidr } = place;
  const caFile = path.join(place.folder, 'pki/ca.crt');
  const roles = upTo(Number(opt.processes)).map((p) => upTo(NODE_COUNT).slice((p - 1) * each, p * each));
  return Promise.all(
    roles.map((nodes) =>
      begun('nodes.js', { url, caFile, certificates, data: path.join(folder, 'data'), cluster, clusterCidr, serviceCidr, nodes }),
    ),
  );
}

/** A fifth each, as in a cluster of that size: every node's proxy follows Services and EndpointSlices, others follow pods of a namespace. */
const watched = (): readonly string[] =>
  upTo(WATCHER_COUNT).map((number) => {
    const kind = number % 5;
    if (kind < 2) return '/apis/discovery.k8s.io/v1/endpointslices';
    return kind < 4 ? '/api/v1/services' : `/api/v1/namespaces/${spaceOf(Math.floor(number / 5))}/pods`;
  });

function printUse(
  title: string,
  parts: readonly (readonly [string, number])[],
  before: ReadonlyMap<string, Used>,
  since: number,
): ReadonlyMap<string, Used> {
  const used = new Map(parts.map(([name, pid]) => [name, usedBy(pid)] as const));
  const elapsed = (performance.now() - since) / 1_000;
  console.log(`\n${title}\n| process | MiB | CPU s | cores |\n|---|--:|--:|--:|`);
  for (const [name, { mib, cpuSeconds }] of used) {
    const spent = cpuSeconds - (before.get(name)?.cpuSeconds ?? 0);
    console.log(`| ${name} | ${mib.toFixed(0)} | ${spent.toFixed(1)} | ${(spent / elapsed).toFixed(2)} |`);
  }
  return used;
}

const isRunning = ({ metadata, status, spec }: Pod, gone: ReadonlySet<string>): boolean =>
  metadata.deletionTimestamp === undefined &&
  !gone.has(spec?.nodeName ?? '') &&
  status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true;

async function build(admin: ApiClient): Promise<void> {
  await all(upTo(SPACES), SPACES, (number) =>
    admin.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: spaceOf(number) } }),
  );
  await all(upTo(SERVICE_COUNT), 16, (number) => admin.create(SERVICES, service(number)));
  const replicas = Math.ceil(POD_COUNT / SERVICE_COUNT);
  await all(upTo(SERVICE_COUNT), 16, (number) => admin.create(DEPLOYMENTS, deployment(number, replicas)));
}

async function watchersSay(child: ChildProcess): Promise<string> {
  child.send('say');
  const [counts] = (await once(child, 'message')) as [{ open: number; ended: number; events: number; bytes: number }];
  return `watchers: ${counts.open} open, ${counts.ended} ended, ${counts.events} events, ${(counts.bytes / 2 ** 20).toFixed(0)} MiB`;
}

async function run(place: Place, folder: string, children: ChildProcess[]): Promise<void> {
  const admin = adminOf(place);
  const change = new Condition();
  const pods = new Map<string, Pod>();
  let since = performance.now();
  const nodes = await startNodes(place, folder);
  children.push(...nodes);
  console.log(`${NODE_COUNT} nodes registered in ${seconds(since)}`);
  const watchers = await begun('watchers.js', { url: place.url, pki: path.join(place.folder, 'pki'), paths: watched() });
  children.push(watchers);
  const watch = watchResource<Pod>(admin, PODS, {
    onChange: (next, old) => {
      const { uid = '' } = (next ?? old)?.metadata ?? {};
      if (next) pods.set(uid, next);
      else pods.delete(uid);
      change.changed();
    },
  });
  await watch.synced;
  const parts = [
    ...place.components.filter(({ pid }) => pid > 0).map(({ name, pid }) => [name, pid] as const),
    ...nodes.map((child, i) => [`nodes ${i + 1} (${Math.ceil(NODE_COUNT / nodes.length)} agents)`, child.pid ?? 0] as const),
    ['watchers', watchers.pid ?? 0] as const,
  ];
  let used: ReadonlyMap<string, Used> = new Map(parts.map(([name, pid]) => [name, usedBy(pid)]));
  let gone: ReadonlySet<string> = new Set();
  const running = (): number => [...pods.values()].filter((pod) => isRunning(pod, gone)).length;
  const wanted = Math.ceil(POD_COUNT / SERVICE_COUNT) * SERVICE_COUNT;
  const steady = (): Promise<void> =>
    change.until(
      () => pods.size >= wanted && running() >= wanted,
      () => `${running()} of ${wanted} pods are ready`,
    );

  since = performance.now();
  const progress = setInterval(() => console.log(`  ${seconds(since)}: ${pods.size} pods, ${running()} ready`), 20_000);
  progress.unref();
  await build(admin);
  console.log(`${SERVICE_COUNT} Services and Deployments created in ${seconds(since)}`);
  await steady();
  console.log(`${wanted} pods ready in ${seconds(since)}`);
  clearInterval(progress);
  used = printUse('Until all pods were ready', parts, used, since);
  console.log(await watchersSay(watchers));
  since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  used = printUse('Steady, for 30 s', parts, used, since);

  const half = nodes.slice(0, Math.floor(nodes.length / 2));
  gone = new Set(upTo(half.length * Math.ceil(NODE_COUNT / nodes.length)).map((number) => `sim-${number}`));
  since = performance.now();
  for (const child of half) child.kill('SIGKILL');
  console.log(`\n${gone.size} nodes vanish, with ${wanted - running()} pods`);
  const lost = (await admin.list<Node>(NODES)).items.length;
  await steady();
  console.log(
    `all ${wanted} pods are ready on the others of ${lost} nodes after ${seconds(since)} (pods stay ${TOLERATION_SECONDS} s on a node known to be lost)`,
  );
  printUse(
    'From then on',
    parts.filter(([name]) => !half.some((_, i) => name.startsWith(`nodes ${i + 1} `))),
    used,
    since,
  );
  console.log(await watchersSay(watchers));
  await watch.stop();
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-scale-'));
  const env = { ...process.env, KUBECONFIG: path.join(folder, 'kubeconfig') };
  const children: ChildProcess[] = [];
  try {
    const args = ['start', '-p', opt.profile, '--runtime', 'simulated', ...(opt.ha ? ['--ha'] : [])];
    execFileSync(LAUNCHER, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    await run(placeOf(LAUNCHER, opt.profile), folder, children);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    if (!opt.keep) execFileSync(LAUNCHER, ['delete', '-p', opt.profile], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    rmSync(folder, { recursive: true, force: true });
  }
}

process.once('SIGTERM', () => {
  execFileSync(LAUNCHER, ['delete', '-p', opt.profile], { stdio: 'ignore' });
  process.exit(1);
});
main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
