import Docker from 'dockerode';
import type { Readable } from 'node:stream';
import {
  LABELS,
  type AppliedLimits,
  type ContainerSettings,
  type ObservedContainer,
  type Ownership,
  type SandboxSettings,
} from '#libs/node';
import { splitLines } from './event-lines.js';
import {
  PullError,
  StartError,
  type ContainerRuntime,
  type ContainerUsage,
  type LocalImage,
  type LogOptions,
  type StreamOptions,
  type StreamSession,
} from './container-runtime.js';
import { containerOptions, sandboxOptions } from './create-options.js';
import { attachTo, execIn, logsOf, usageOf } from './docker-streams.js';
import { enableHairpin, ensureNodeNetwork, type NodeNetwork } from './network.js';
import { ExitWaiters } from './exit-waiters.js';
import { observe } from './observe.js';
import { ensurePauseImage } from './pause-image.js';

/** Where Docker answers, whose containers these are, and the network they hang on. */
export interface DockerRuntimeOptions {
  readonly socketPath: string;
  readonly owner: Ownership;
  readonly network: NodeNetwork;
  readonly onError: (what: string, error: unknown) => void;
}

const AT_ONCE = 4;
const RECONNECT_MS = 1_000;
/** How much of a log may stand in for a termination message, as upstream. */
const MESSAGE_LINES = 80;
const MESSAGE_BYTES = 2_048;
const EVENTS = ['start', 'die', 'destroy', 'oom'];

const statusCode = (error: unknown): number | undefined => (error as { statusCode?: number } | undefined)?.statusCode;

const wantsLogAsMessage = ({ Config }: Docker.ContainerInspectInfo, seen: ObservedContainer): boolean =>
  seen.state === 'exited' &&
  seen.exitCode !== 0 &&
  seen.message === undefined &&
  seen.startError === undefined &&
  Config.Labels[LABELS.terminationPolicy] === 'FallbackToLogsOnError';

/** Docker's own words for a failure, without the HTTP wrapping. */
function engineMessage(error: unknown): string {
  const told = (error as { json?: { message?: string }; message?: string } | undefined) ?? {};
  return told.json?.message ?? told.message ?? String(error);
}

const CPU_PERIOD_US = 100_000;

/** Pods as Docker containers. */
export class DockerRuntime implements ContainerRuntime {
  readonly name = 'docker';
  version = '';

  private readonly docker: Docker;
  private readonly containers = new Map<string, ObservedContainer>();
  private readonly byPod = new Map<string, Set<string>>();
  private readonly imageIds = new Map<string, string>();
  private readonly exits = new ExitWaiters((id) => this.containers.get(id)?.state !== 'running');
  private readonly stopping = new AbortController();
  private readonly slots = new Slots(AT_ONCE);
  private onChange: (podUid: string) => void = () => undefined;
  private events: Readable | undefined;

  constructor(private readonly options: DockerRuntimeOptions) {
    this.docker = new Docker({ socketPath: options.socketPath });
  }

  async start(onChange: (podUid: string) => void): Promise<void> {
    this.onChange = onChange;
    this.version = (await this.docker.version()).Version;
    await ensureNodeNetwork(this.docker, this.options.network);
    await ensurePauseImage(this.docker);
    const events = await this.openEvents();
    await this.resync();
    void this.follow(events);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.events?.destroy();
  }

  containersOf(podUid: string): readonly ObservedContainer[] {
    return [...(this.byPod.get(podUid) ?? [])].flatMap((id) => this.containers.get(id) ?? []);
  }

  podUids(): readonly string[] {
    return [...this.byPod.keys()];
  }

  async createSandbox(settings: SandboxSettings): Promise<ObservedContainer> {
    return this.slots.run(async () => {
      const { id } = await this.create(sandboxOptions(settings, this.options.network.name));
      try {
        await this.docker.getContainer(id).start();
      } catch (error) {
        await this.removeContainer(id);
        throw new StartError(engineMessage(error), { cause: error });
      }
      if (!settings.hostNetwork) await enableHairpin(this.options.network.name);
      const sandbox = await this.refresh(id);
      if (!sandbox) throw new StartError('the sandbox ended at once');
      return sandbox;
    });
  }

  async createContainer(settings: ContainerSettings): Promise<string> {
    const hostIPC = await this.docker
      .getContainer(settings.sandboxId)
      .inspect()
      .then(({ HostConfig }) => HostConfig.IpcMode === 'host');
    const { id } = await this.create(containerOptions(settings, hostIPC));
    return id;
  }

  async startContainer(id: string): Promise<void> {
    await this.slots.run(async () => {
      try {
        await this.docker.getContainer(id).start();
      } catch (error) {
        throw new StartError(engineMessage(error), { cause: error });
      } finally {
        await this.refresh(id);
      }
    });
  }

  async signal(id: string, signal: string): Promise<void> {
    try {
      await this.docker.getContainer(id).kill({ signal });
    } catch (error) {
      if (statusCode(error) !== 404 && statusCode(error) !== 409) throw error;
      await this.refresh(id);
    }
  }

  waitForExit(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.exits.wait(id, timeoutMs, signal);
  }

  async resizeContainer(id: string, { cpuShares, cpuQuotaUs, memoryBytes }: AppliedLimits): Promise<void> {
    await this.docker.getContainer(id).update({
      CpuShares: cpuShares,
      ...(cpuQuotaUs === undefined ? {} : { CpuQuota: cpuQuotaUs, CpuPeriod: CPU_PERIOD_US }),
      ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    });
    await this.refresh(id);
  }

  async removeContainer(id: string): Promise<void> {
    try {
      await this.docker.getContainer(id).remove({ force: true, v: true });
    } catch (error) {
      if (statusCode(error) === 409) return;
      if (statusCode(error) !== 404) throw error;
    }
    this.forget(id);
  }

  async image(name: string): Promise<LocalImage | undefined> {
    try {
      const { Id, Size, Config } = await this.docker.getImage(name).inspect();
      return { id: Id, sizeBytes: Size, user: Config?.User ?? '' };
    } catch (error) {
      if (statusCode(error) === 404) return undefined;
      throw error;
    }
  }

  async pullImage(name: string, auth: object | undefined, signal: AbortSignal): Promise<void> {
    const tagged = /(:[^/]+|@sha256:[0-9a-f]+)$/.test(name) ? name : `${name}:latest`;
    try {
      const options = { ...(auth ? { authconfig: auth } : {}), abortSignal: signal };
      const progress = await this.docker.pull(tagged, options);
      for await (const line of splitLines(progress)) {
        const { error } = JSON.parse(line) as { error?: string };
        if (error) throw new Error(error);
      }
    } catch (error) {
      throw new PullError(`Error response from daemon: ${engineMessage(error)}`, { cause: error });
    }
  }

  async images(): Promise<readonly { names: readonly string[]; sizeBytes: number }[]> {
    const images = await this.docker.listImages();
    return images.map(({ RepoTags, RepoDigests, Size }) => ({
      names: [...(RepoDigests ?? []), ...(RepoTags ?? [])].filter((name) => !name.startsWith('<none>')),
      sizeBytes: Size,
    }));
  }

  exec(id: string, command: readonly string[], options: StreamOptions): Promise<StreamSession> {
    return execIn(this.docker, id, command, options);
  }

  attach(id: string, options: StreamOptions): Promise<StreamSession> {
    return attachTo(this.docker, id, options);
  }

  logs(id: string, options: LogOptions): Promise<Readable> {
    return logsOf(this.docker, id, options);
  }

  usage(id: string): Promise<ContainerUsage | undefined> {
    return usageOf(this.docker, id);
  }

  /** A container of the same name is what is left of an attempt that was cut off: it goes first. */
  private async create(options: Docker.ContainerCreateOptions): Promise<{ id: string }> {
    try {
      return await this.docker.createContainer(options);
    } catch (error) {
      if (statusCode(error) !== 409 || !options.name) throw error;
      await this.docker.getContainer(options.name).remove({ force: true, v: true });
      return await this.docker.createContainer(options);
    }
  }

  private filters(): Record<string, string[]> {
    const { cluster, node } = this.options.owner;
    return { label: [`${LABELS.cluster}=${cluster}`, `${LABELS.node}=${node}`] };
  }

  private async openEvents(): Promise<Readable> {
    const filters = { ...this.filters(), type: ['container'], event: EVENTS };
    const stream = (await this.docker.getEvents({ filters: JSON.stringify(filters) })) as unknown as Readable;
    this.events = stream;
    return stream;
  }

  /** Follows the engine's events for ever; after a break everything is looked at anew. */
  private async follow(first: Readable): Promise<void> {
    let stream: Readable | undefined = first;
    while (!this.stopping.signal.aborted) {
      try {
        stream ??= await this.openEvents().then(async (opened) => {
          await this.resync();
          return opened;
        });
        if (!stream) continue;
        for await (const line of splitLines(stream)) {
          const { id, Action } = JSON.parse(line) as { id: string; Action: string };
          if (Action === 'destroy') this.forget(id);
          else await this.refresh(id);
        }
      } catch (error) {
        if (!this.stopping.signal.aborted) this.options.onError('following the events of Docker', error);
      }
      stream = undefined;
      if (!this.stopping.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  private async resync(): Promise<void> {
    const listed = await this.docker.listContainers({ all: true, filters: this.filters() });
    const there = new Set(listed.map(({ Id }) => Id));
    for (const id of [...this.containers.keys()]) if (!there.has(id)) this.forget(id);
    const queue = [...there];
    const lane = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) await this.refresh(id);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  private async refresh(id: string): Promise<ObservedContainer | undefined> {
    try {
      const info = await this.docker.getContainer(id).inspect();
      const found = observe(info, await this.imageIdOf(info.Image));
      const seen = found && wantsLogAsMessage(info, found) ? { ...found, message: await this.lastWords(id) } : found;
      if (seen) this.remember(seen);
      return seen;
    } catch (error) {
      if (statusCode(error) !== 404) throw error;
      this.forget(id);
      return undefined;
    }
  }

  /** The end of a container's log: its termination message when it left none (FallbackToLogsOnError). */
  private async lastWords(id: string): Promise<string> {
    const log = await logsOf(this.docker, id, { follow: false, timestamps: false, tail: MESSAGE_LINES });
    let text = '';
    for await (const chunk of log) text = (text + String(chunk)).slice(-MESSAGE_BYTES);
    return text;
  }

  private async imageIdOf(image: string): Promise<string> {
    const known = this.imageIds.get(image);
    if (known !== undefined) return known;
    const digests = await this.docker
      .getImage(image)
      .inspect()
      .then(({ RepoDigests }) => RepoDigests ?? [])
      .catch(() => []);
    const id = digests[0] === undefined ? `docker://${image}` : `docker-pullable://${digests[0]}`;
    if (this.imageIds.size > 1000) this.imageIds.clear();
    this.imageIds.set(image, id);
    return id;
  }

  private remember(container: ObservedContainer): void {
    this.containers.set(container.id, container);
    const ids = this.byPod.get(container.podUid) ?? new Set();
    this.byPod.set(container.podUid, ids.add(container.id));
    if (container.state !== 'running') this.exits.ended(container.id);
    this.onChange(container.podUid);
  }

  private forget(id: string): void {
    const container = this.containers.get(id);
    if (!container) return;
    this.containers.delete(id);
    const ids = this.byPod.get(container.podUid);
    ids?.delete(id);
    if (ids?.size === 0) this.byPod.delete(container.podUid);
    this.exits.ended(id);
    this.onChange(container.podUid);
  }
}

/** Lets only so many through at once: the engine gets slower, not faster, with more. */
class Slots {
  private free: number;
  private readonly queue: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
