import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where the launcher is; programs that are built run two folders further down. */
const root = path.join(__dirname, __dirname.endsWith(path.join('dist', 'test')) ? '../..' : '..');

/** What a command left: its exit code and everything it printed. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One process of the cluster as `status -o json` shows it. */
export interface Component {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
}

/** Settings of a command: what it reads, how long it may take, and more of an environment. */
export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A cluster of its own for a spec: a profile with a name nobody else has, its kubeconfig in a temporary folder, driven
 * through the launcher and the real kubectl as a person would.
 */
export class TestCluster {
  readonly profile = `e2e-${randomBytes(4).toString('hex')}`;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'decklog-e2e-'));
  readonly kubeconfig = path.join(this.folder, 'kubeconfig');
  private readonly children = new Set<ChildProcess>();

  /** Runs `./decklog start` and throws what it printed when it fails. */
  static async start(...args: string[]): Promise<TestCluster> {
    const cluster = new TestCluster();
    await cluster.start(...args);
    return cluster;
  }

  async start(...args: string[]): Promise<string> {
    return this.must(await this.run('./decklog', ['start', '-p', this.profile, ...args], { timeoutMs: 180_000 }), 'decklog start');
  }

  /** `./decklog -p <profile> ...` */
  decklog(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.run('./decklog', [args[0] ?? '', '-p', this.profile, ...args.slice(1)], options);
  }

  /** The real kubectl, as the launcher finds it. A command line in one string is split at blanks. */
  tryKubectl(args: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.run(kubectlBinary(), typeof args === 'string' ? args.split(' ') : args, options);
  }

  /** The same, for what has to work: returns what it printed, throws with both outputs when it fails. */
  async kubectl(args: string | readonly string[], options: RunOptions = {}): Promise<string> {
    return this.must(await this.tryKubectl(args, options), `kubectl ${typeof args === 'string' ? args : args.join(' ')}`);
  }

  /** Where the kubectl of this cluster is, for programs that run it themselves. */
  kubectlPath(): string {
    return kubectlBinary();
  }

  /** An object as JSON. */
  async get<T = Record<string, never>>(args: string): Promise<T> {
    return JSON.parse(await this.kubectl(`get ${args} -o json`)) as T;
  }

  /** A kubectl that goes on: a watch, a port-forward. Ended with the cluster, or by `kill`. */
  background(args: readonly string[]): { readonly child: ChildProcess; readonly output: () => string } {
    const child = spawn(kubectlBinary(), args, { cwd: root, env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (text += piece.toString()));
    this.children.add(child);
    child.on('close', () => this.children.delete(child));
    return { child, output: () => text };
  }

  async components(): Promise<readonly Component[]> {
    const status = this.must(await this.decklog(['status', '-o', 'json']), 'decklog status');
    return (JSON.parse(status) as { components: Component[] }).components;
  }

  /** Removes the cluster and everything of it, whatever state it is in. */
  async delete(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    const { code, err, out } = await this.decklog(['delete'], { timeoutMs: 120_000 });
    rmSync(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`decklog delete: ${code}\n${out}${err}`);
  }

  /** Runs a program with the cluster's kubeconfig, its output gathered. */
  run(command: string, args: readonly string[], { input, timeoutMs = 60_000, env = {} }: RunOptions = {}): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: root,
        env: { ...this.environment(), ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: timeoutMs,
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
      child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code: code ?? -1, out, err: signal ? `${err}\nended by ${signal}` : err }));
      child.stdin.on('error', () => undefined);
      child.stdin.end(input ?? '');
    });
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, KUBECACHEDIR: path.join(this.folder, 'cache') };
  }

  private must({ code, out, err }: Ran, what: string): string {
    if (code !== 0) throw new Error(`${what}: exit code ${code}\n${out}\n${err}`);
    return out;
  }
}

let kubectlPath: string | undefined;

/** The kubectl the launcher uses: asked once. */
function kubectlBinary(): string {
  if (kubectlPath) return kubectlPath;
  const { stdout, status, stderr } = spawnSync('./decklog', ['kubectl', '--print-path'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`no kubectl: ${stderr}`);
  kubectlPath = stdout.trim();
  return kubectlPath;
}

/** Builds an image from what the machine has (tools/images.mjs). */
export function buildImage(kind: 'shell' | 'echo' | 'node', tag: string): void {
  const { status, stderr } = spawnSync(process.execPath, ['tools/images.mjs', kind, tag], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`building ${tag}: ${stderr}`);
}

/** Waits until `probe` answers something true, asking again after each answer; says what it last saw when time runs out. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : String(last)}`);
}
