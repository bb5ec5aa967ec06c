import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { natsServerBinary } from '#libs/testing';

const SERVERS = 3;
const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;
/** Addresses of the range that is for tests of networks (RFC 2544). */
const RANGE = '198.18';

const PATIENCE_MS = 30_000;
const POLL_MS = 25;

function takesConnections(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(CLIENT_PORT, host, () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function run(command: string, args: readonly string[], input?: string): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input });
  if (status === 0) return;
  throw new Error(
    `partitions need root, network namespaces, iproute2 and nftables (--no-partitions does without): ${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`,
  );
}

/** One server of the log on a host of its own. */
interface Host {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly port: string;
  readonly config: string;
  child: ChildProcess | undefined;
}

/**
 * Three servers that keep one log, each in a network namespace of its own as on a host of its own, with a switch between them and this
 * machine that is a namespace too: links of it go down, as cables are pulled.
 */
export class LogServers {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'decklog-log-'));
  readonly #id = process.pid % 10_000;
  readonly #switch = `dlf${this.#id}s`;
  readonly #net = `${RANGE}.${process.pid % 250}`;
  readonly #uplink = `dlf${this.#id}h`;
  readonly #hosts: readonly Host[] = Array.from({ length: SERVERS }, (_, i) => ({
    name: `nats-${i + 1}`,
    namespace: `dlf${this.#id}n${i + 1}`,
    address: `${this.#net}.${i + 1}`,
    port: `p${i + 1}`,
    config: path.join(this.#folder, `${i + 1}.conf`),
    child: undefined,
  }));

  /** As the launcher's `--nats-url` takes it. */
  readonly url = this.#hosts.map(({ address }) => `nats://${address}:${CLIENT_PORT}`).join(',');
  readonly names = this.#hosts.map(({ name }) => name);

  static async make(): Promise<LogServers> {
    const servers = new LogServers();
    try {
      servers.#wire();
      servers.start();
      await servers.listening();
    } catch (error) {
      servers.remove();
      throw error;
    }
    return servers;
  }

  pid(name: string): number {
    return this.#host(name).child?.pid ?? 0;
  }

  /** Starts those that do not run. */
  start(): void {
    for (const host of this.#hosts) {
      if (host.child && host.child.exitCode === null && host.child.signalCode === null) continue;
      host.child = spawn('ip', ['netns', 'exec', host.namespace, natsServerBinary(), '-c', host.config], { stdio: 'ignore' });
    }
  }

  /** Waits until every one of them takes connections. */
  async listening(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (const { name, address } of this.#hosts) {
      while (!(await takesConnections(address))) {
        if (performance.now() > end) throw new Error(`${name} does not listen`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** Pulls the cable of one server. */
  cut(name: string): void {
    run('ip', ['-n', this.#switch, 'link', 'set', this.#host(name).port, 'down']);
  }

  /** Pulls the cable between all of them and everybody else. */
  cutAll(): void {
    run('ip', ['-n', this.#switch, 'link', 'set', 'p0', 'down']);
  }

  /** Drops what one server and the others send each other; everybody else reaches it as before. */
  cutFromPeers(name: string): void {
    const { namespace } = this.#host(name);
    const peers = this.#hosts.filter((host) => host.name !== name).map(({ address }) => address);
    const chain = (hook: string, side: string): string =>
      `chain ${hook} {\n type filter hook ${hook} priority 0;\n ip ${side} { ${peers.join(', ')} } drop;\n}\n`;
    run('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], `table inet cut {\n${chain('input', 'saddr')}${chain('output', 'daddr')}}\n`);
  }

  /** All cables are in, nothing is dropped. */
  heal(): void {
    for (const port of ['p0', ...this.#hosts.map((host) => host.port)]) run('ip', ['-n', this.#switch, 'link', 'set', port, 'up']);
    for (const { namespace } of this.#hosts) spawnSync('ip', ['netns', 'exec', namespace, 'nft', 'delete', 'table', 'inet', 'cut']);
  }

  remove(): void {
    for (const { child, namespace } of this.#hosts) {
      child?.kill('SIGKILL');
      spawnSync('ip', ['netns', 'del', namespace]);
    }
    spawnSync('ip', ['netns', 'del', this.#switch]);
    spawnSync('ip', ['link', 'del', this.#uplink]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #host(name: string): Host {
    const host = this.#hosts.find((one) => one.name === name);
    if (!host) throw new Error(`no server of the log is called ${name}`);
    return host;
  }

  #wire(): void {
    const inSwitch = (...args: readonly string[]): void => run('ip', ['-n', this.#switch, ...args]);
    run('ip', ['netns', 'add', this.#switch]);
    inSwitch('link', 'add', 'br0', 'type', 'bridge');
    inSwitch('link', 'set', 'br0', 'up');
    const plug = (port: string, inside: string): void => {
      inSwitch('link', 'set', port, 'master', 'br0');
      inSwitch('link', 'set', port, 'up');
      run('ip', ['-n', inside, 'link', 'set', 'lo', 'up']);
    };
    run('ip', ['link', 'add', this.#uplink, 'type', 'veth', 'peer', 'name', 'p0', 'netns', this.#switch]);
    run('ip', ['addr', 'add', `${this.#net}.254/24`, 'dev', this.#uplink]);
    run('ip', ['link', 'set', this.#uplink, 'up']);
    plug('p0', this.#switch);
    for (const host of this.#hosts) {
      run('ip', ['netns', 'add', host.namespace]);
      run('ip', ['-n', host.namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', host.port, 'netns', this.#switch]);
      run('ip', ['-n', host.namespace, 'addr', 'add', `${host.address}/24`, 'dev', 'eth0']);
      run('ip', ['-n', host.namespace, 'link', 'set', 'eth0', 'up']);
      plug(host.port, host.namespace);
      this.#configure(host);
    }
  }

  /** As the launcher sets up its own servers of the form with several of everything. */
  #configure({ name, address, config }: Host): void {
    const store = path.join(this.#folder, name);
    mkdirSync(store);
    const routes = this.#hosts.map((host) => `nats://${host.address}:${ROUTE_PORT}`);
    writeFileSync(
      config,
      `server_name: "${name}"
listen: "${address}:${CLIENT_PORT}"
max_payload: 4MB
write_deadline: "10s"
ping_interval: "2s"
ping_max: 2
jetstream { store_dir: ${JSON.stringify(store)}, sync_interval: always, max_memory_store: 256MB }
cluster { name: "log", listen: "${address}:${ROUTE_PORT}", routes: ${JSON.stringify(routes)} }
`,
    );
  }
}
