import { readFileSync } from 'node:fs';
import type { TestCluster } from '../cluster.js';
import { Api, kubeconfigOf } from './api.js';
import type { LogPlace } from './facts.js';

const environmentOf = (pid: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** Where a cluster that runs is reached: each of its API servers at its own address, and its log. */
export interface Reached {
  readonly addresses: readonly string[];
  readonly log: LogPlace;
}

/** Asks the processes themselves: their environment says where they listen, and where the log is. */
export async function reached(cluster: TestCluster): Promise<Reached> {
  const { id, components } = JSON.parse((await cluster.decklog(['status', '-o', 'json'])).out) as {
    id: string;
    components: readonly { name: string; pid: number }[];
  };
  const serving = components.filter(({ name, pid }) => pid > 0 && /^(control-plane|apiserver(-\d+)?)$/.test(name));
  const environments = serving.map(({ pid }) => environmentOf(pid));
  const url = environments[0]?.['NATS_URL'];
  if (url === undefined) throw new Error('no API server runs');
  const addresses = environments.map((env) => `https://${env['API_LISTEN']?.split(',')[0] ?? `127.0.0.1:${env['API_PORT'] ?? ''}`}`);
  return { addresses, log: { url, cluster: id } };
}

/** A client for each API server, as the cluster's administrator. */
export async function apisOf(cluster: TestCluster, { addresses }: Reached, patienceMs: number): Promise<readonly Api[]> {
  const { credentials } = kubeconfigOf(await cluster.kubectl('config view --raw --minify -o json'));
  return addresses.map((address) => new Api(address, credentials, patienceMs));
}
