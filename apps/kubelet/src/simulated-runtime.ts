import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { ExitWaiters, type ContainerRuntime, type LocalImage, type StreamSession } from '#libs/node-adapters';
import { LABELS, SANDBOX, type AppliedLimits, type ContainerSettings, type ObservedContainer, type SandboxSettings } from '#libs/node';

/**
 * Pods that only pretend to run: every image exists, a container starts at once and runs until it is stopped.
 * Addresses are real ones of the node's range, but nothing answers there. State does not outlive the process.
 */
export class SimulatedRuntime implements ContainerRuntime {
  readonly name = 'simulated';
  readonly version = '1';

  private readonly containers = new Map<string, ObservedContainer>();
  private readonly addresses = new Map<string, string>();
  private readonly exits = new ExitWaiters((id) => this.containers.get(id)?.state !== 'running');
  private onChange: (podUid: string) => void = () => undefined;

  constructor(private readonly podCidr: string) {}

  start(onChange: (podUid: string) => void): Promise<void> {
    this.onChange = onChange;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  containersOf(podUid: string): readonly ObservedContainer[] {
    return [...this.containers.values()].filter((container) => container.podUid === podUid);
  }

  podUids(): readonly string[] {
    return [...new Set([...this.containers.values()].map(({ podUid }) => podUid))];
  }

  createSandbox(settings: SandboxSettings): Promise<ObservedContainer> {
    const id = randomBytes(32).toString('hex');
    const ip = settings.hostNetwork ? undefined : this.freeAddress();
    if (ip !== undefined) this.addresses.set(ip, id);
    const sandbox = this.observed(id, settings.labels, 'decklog/pause', 'running', ip);
    this.put(sandbox);
    return Promise.resolve(sandbox);
  }

  createContainer(settings: ContainerSettings): Promise<string> {
    const id = randomBytes(32).toString('hex');
    const { cpuShares, cpuQuotaUs, memoryBytes } = settings.cgroup;
    const limits = {
      cpuShares,
      ...(cpuQuotaUs === undefined ? {} : { cpuQuotaUs }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
    this.put({ ...this.observed(id, settings.labels, settings.image, 'created'), limits });
    return Promise.resolve(id);
  }

  startContainer(id: string): Promise<void> {
    const container = this.containers.get(id);
    if (container) this.put({ ...container, state: 'running', startedAt: Date.now() });
    return Promise.resolve();
  }

  signal(id: string, signal: string): Promise<void> {
    const container = this.containers.get(id);
    if (container?.state !== 'running') return Promise.resolve();
    this.put({ ...container, state: 'exited', finishedAt: Date.now(), exitCode: signal === 'SIGKILL' ? 137 : 0 });
    this.exits.ended(id);
    return Promise.resolve();
  }

  waitForExit(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.exits.wait(id, timeoutMs, signal);
  }

  resizeContainer(id: string, limits: AppliedLimits): Promise<void> {
    const container = this.containers.get(id);
    if (container) this.put({ ...container, limits });
    return Promise.resolve();
  }

  removeContainer(id: string): Promise<void> {
    const container = this.containers.get(id);
    if (!container) return Promise.resolve();
    this.containers.delete(id);
    for (const [ip, owner] of [...this.addresses]) if (owner === id) this.addresses.delete(ip);
    this.exits.ended(id);
    this.onChange(container.podUid);
    return Promise.resolve();
  }

  image(name: string): Promise<LocalImage> {
    return Promise.resolve({ id: `simulated:${name}`, sizeBytes: 0, user: '' });
  }

  pullImage(): Promise<void> {
    return Promise.resolve();
  }

  images(): Promise<readonly []> {
    return Promise.resolve([]);
  }

  exec(): Promise<StreamSession> {
    return Promise.reject(new Error('the pods of this node only pretend to run: nothing can be run in them'));
  }

  attach(): Promise<StreamSession> {
    return Promise.reject(new Error('the pods of this node only pretend to run: they have no streams'));
  }

  logs(): Promise<Readable> {
    const empty = new PassThrough();
    empty.end();
    return Promise.resolve(empty);
  }

  usage(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  private put(container: ObservedContainer): void {
    this.containers.set(container.id, container);
    this.onChange(container.podUid);
  }

  private observed(
    id: string,
    labels: Readonly<Record<string, string>>,
    image: string,
    state: 'created' | 'running',
    ip?: string,
  ): ObservedContainer {
    return {
      id,
      podUid: labels[LABELS.uid] ?? '',
      podNamespace: labels[LABELS.namespace] ?? '',
      podName: labels[LABELS.pod] ?? '',
      name: labels[LABELS.container] ?? SANDBOX,
      attempt: Number(labels[LABELS.attempt] ?? 0),
      state,
      createdAt: Date.now(),
      ...(state === 'running' ? { startedAt: Date.now() } : {}),
      image,
      imageId: `simulated:${image}`,
      ...(ip === undefined ? {} : { ip }),
    };
  }

  private freeAddress(): string {
    const base = (this.podCidr.split('/')[0] ?? '10.0.0.0').split('.').slice(0, 3).join('.');
    for (let host = 2; host < 255; host += 1) {
      const address = `${base}.${host}`;
      if (!this.addresses.has(address)) return address;
    }
    throw new Error(`no address is left in ${this.podCidr}`);
  }
}
