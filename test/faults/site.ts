import { readFileSync } from 'node:fs';
import { connect } from 'nats';
import { streamName } from '#libs/adapters';
import type { TestCluster } from '../cluster.js';
import type { LogPlace } from '../consistency/facts.js';
import type { LogServers } from './log-servers.js';
import type { Fault, Parts } from './plan.js';

const POLL_MS = 20;
const PATIENCE_MS = 60_000;

/** Whether a process is there and no zombie. */
function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The processes of a cluster under test, wherever they were started. */
export class Site {
  #pids = new Map<string, number>();
  readonly #paused = new Set<number>();

  constructor(
    private readonly cluster: TestCluster,
    private readonly log: LogPlace,
    private readonly servers: LogServers | undefined,
  ) {}

  async parts(): Promise<Parts> {
    await this.refresh();
    const components = [...(this.servers?.names ?? []), ...this.#pids.keys()];
    return { components, hasLeader: components.includes('nats-1'), hasNetwork: this.servers !== undefined };
  }

  /** Which process has which id just now. */
  async refresh(): Promise<void> {
    this.#pids = new Map((await this.cluster.components()).filter(({ pid }) => pid > 0).map(({ name, pid }) => [name, pid]));
  }

  /** Does it; who was hit. Killed processes stay dead, paused ones asleep, cables out, until `repair`. */
  async strike(one: Fault): Promise<string> {
    switch (one.fault) {
      case 'kill':
      case 'pause':
        return this.#signal([one.component], one.fault);
      case 'kill the leader':
      case 'pause the leader':
        return this.#signal([await this.leader()], one.fault === 'kill the leader' ? 'kill' : 'pause');
      case 'kill the log':
        return this.#signal(await this.#logServers(), 'kill');
      case 'kill postgres':
        return this.#signal(['postgres'], 'kill');
      default:
        return this.#cut(one.fault);
    }
  }

  /** Everything runs again, and is reached again. */
  async repair(): Promise<void> {
    for (const pid of this.#paused) if (alive(pid)) process.kill(pid, 'SIGCONT');
    this.#paused.clear();
    this.servers?.heal();
    this.servers?.start();
    await this.cluster.start();
    await this.refresh();
  }

  /** The server that leads the stream of state. */
  async leader(): Promise<string> {
    const urls = this.log.url.split(',').map((one) => new URL(one));
    const { username: user = '', password: pass = '' } = urls[0] ?? {};
    const credentials = user === '' ? {} : { user, pass };
    const connection = await connect({ servers: urls.map(({ host }) => host), timeout: PATIENCE_MS, ...credentials });
    try {
      const manager = await connection.jetstreamManager();
      const end = performance.now() + PATIENCE_MS;
      while (performance.now() < end) {
        const info = await manager.streams.info(streamName(this.log.cluster, 'state')).catch(() => undefined);
        const leader = info?.cluster?.leader;
        if (leader) return `nats-${leader.slice(leader.lastIndexOf('-') + 1)}`;
        await pause(POLL_MS);
      }
      throw new Error('the log has no leader');
    } finally {
      await connection.close();
    }
  }

  async #logServers(): Promise<readonly string[]> {
    return (await this.parts()).components.filter((component) => /^nats(-\d+)?$/.test(component));
  }

  #pid(component: string): number {
    const pid = this.servers?.names.includes(component) ? this.servers.pid(component) : this.#pids.get(component);
    if (!pid || !alive(pid)) throw new Error(`${component} does not run`);
    return pid;
  }

  /** All at once, as far as one can. */
  async #signal(components: readonly string[], how: 'kill' | 'pause'): Promise<string> {
    const pids = components.map((component) => this.#pid(component));
    for (const pid of pids) {
      process.kill(pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP');
      if (how === 'pause') this.#paused.add(pid);
    }
    const end = performance.now() + PATIENCE_MS;
    while (how === 'kill' && pids.some(alive) && performance.now() < end) await pause(POLL_MS);
    return components.join(', ');
  }

  async #cut(fault: Extract<Fault, { fault: `cut${string}` }>['fault']): Promise<string> {
    const { servers } = this;
    if (!servers) throw new Error('the log has no network of its own');
    if (fault === 'cut the log off') {
      servers.cutAll();
      return servers.names.join(', ');
    }
    const leader = await this.leader();
    const hit = fault === 'cut a follower off' ? (servers.names.find((name) => name !== leader) ?? leader) : leader;
    if (fault === 'cut the leader off from its peers') servers.cutFromPeers(hit);
    else servers.cut(hit);
    return hit;
  }
}
