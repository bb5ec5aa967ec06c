import { readFileSync } from 'node:fs';
import { StartError } from '#libs/node-adapters';
import type { Container, Pod, Service } from '#libs/api';
import type { ResourceWatch } from '#libs/client';
import {
  allContainers,
  attemptsOf,
  ContainerConfigError,
  containerSettings,
  environmentOf,
  environmentReferences,
  hostsFileOf,
  resolvConfOf,
  sandboxSettings,
  volumeReferences,
  type ObservedContainer,
  type PodContext,
  type PodEvent,
  type PodReferences,
  type StartFailure,
} from '#libs/node';
import { runHook } from './hooks.js';
import { ImageError, type ImagePuller } from './image-puller.js';
import type { NodeContext } from './node-context.js';
import type { ObjectSource } from './object-source.js';
import type { PodVolumes } from './volumes.js';

/** What an action tells while it runs, and what ends it early. */
export interface Progress {
  readonly tell: (event: PodEvent) => void;
  /** A container's postStart hook runs, or does no more. */
  readonly starting: (id: string, on: boolean) => void;
  readonly signal: AbortSignal;
}

const RETRY_MS = 10_000;
const HOOK_TIMEOUT_MS = 120_000;

const hostFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Carries a pod's planned actions out. */
export class PodActions {
  constructor(
    private readonly context: NodeContext,
    private readonly volumes: PodVolumes,
    private readonly images: ImagePuller,
    private readonly objects: ObjectSource,
    private readonly services: ResourceWatch<Service>,
  ) {}

  /** Sets the volumes up and makes the sandbox. True: it did not work, an event says why. */
  async createSandbox(pod: Pod, attempt: number, tell: (event: PodEvent) => void, signal: AbortSignal): Promise<boolean> {
    const { runtime, config } = this.context;
    try {
      await this.services.synced;
      if (!this.pretends) {
        await this.volumes.setUp(await this.podContext(pod, '', volumeReferences(pod)));
        this.followObjects(pod);
      }
    } catch (error) {
      tell({ type: 'Warning', reason: 'FailedMount', message: messageOf(error) });
      return true;
    }
    if (signal.aborted) return true;
    try {
      const owner = { cluster: config.cluster, node: config.nodeName };
      const sandbox = await runtime.createSandbox(sandboxSettings(pod, attempt, owner, config.clusterDomain));
      if (this.pretends) return false;
      const podIP = this.podIP(pod, sandbox);
      const names = { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain, hostResolvConf: hostFile('/etc/resolv.conf') };
      await this.volumes.writeNameFiles(
        pod,
        hostsFileOf(pod, podIP, config.clusterDomain, hostFile('/etc/hosts')),
        resolvConfOf(pod, names),
      );
      return false;
    } catch (error) {
      tell({ type: 'Warning', reason: 'FailedCreatePodSandBox', message: `Failed to create pod sandbox: ${messageOf(error)}` });
      return true;
    }
  }

  /** Gets the image, makes and starts the container, runs its postStart hook. What went wrong is answered, not thrown. */
  async start(pod: Pod, name: string, attempt: number, sandbox: ObservedContainer, progress: Progress): Promise<StartFailure | undefined> {
    const container = allContainers(pod).find((one) => one.name === name);
    if (!container) return undefined;
    const { tell, signal } = progress;
    const event = (type: PodEvent['type'], reason: string, message: string): void => tell({ type, reason, message, container: name });
    try {
      const image = await this.images.ensure(pod, container, tell, signal);
      if (signal.aborted) return undefined;
      const id = await this.create(pod, container, attempt, sandbox, image.user);
      event('Normal', 'Created', 'Container created');
      await this.context.runtime.startContainer(id);
      event('Normal', 'Started', 'Container started');
      await this.postStart(pod, container, id, sandbox, progress);
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = failureOf(error, container);
      event('Warning', 'Failed', `Error: ${error instanceof ImageError ? error.reason : (failure.message ?? failure.reason)}`);
      return failure;
    }
  }

  /** The files of a pod's volumes, as the objects they come from now are. */
  async refresh(pod: Pod, sandbox: ObservedContainer | undefined): Promise<void> {
    if (this.pretends) return;
    this.followObjects(pod);
    await this.volumes.refresh(await this.podContext(pod, sandbox ? this.podIP(pod, sandbox) : '', volumeReferences(pod)));
  }

  async cleanUp(uid: string): Promise<void> {
    this.objects.release(uid);
    await this.volumes.tearDown(uid);
  }

  /** Pods that only pretend to run need no files. */
  private get pretends(): boolean {
    return this.context.config.runtime === 'simulated';
  }

  private podIP(pod: Pod, sandbox: ObservedContainer): string {
    return pod.spec?.hostNetwork === true ? this.context.config.nodeIp : (sandbox.ip ?? '');
  }

  private followObjects(pod: Pod): void {
    const { configMaps, secrets } = volumeReferences(pod);
    const { namespace = '', uid = '' } = pod.metadata;
    const changed = (): void => this.onObjectChange(uid);
    for (const name of configMaps) this.objects.follow('configmaps', namespace, name, uid, changed);
    for (const name of secrets) this.objects.follow('secrets', namespace, name, uid, changed);
  }

  /** Told of the pods whose volumes may have to change. */
  onObjectChange: (uid: string) => void = () => undefined;

  private async podContext(pod: Pod, podIP: string, { configMaps, secrets }: PodReferences): Promise<PodContext> {
    const namespace = pod.metadata.namespace ?? '';
    const entries = <T>(names: readonly string[], read: (name: string) => Promise<T>): Promise<(readonly [string, T])[]> =>
      Promise.all(names.map(async (name) => [name, await read(name)] as const));
    const [maps, secretMap] = await Promise.all([
      entries(configMaps, (name) => this.objects.configMap(namespace, name)),
      entries(secrets, (name) => this.objects.secret(namespace, name)),
    ]).then(([a, b]) => [new Map(a), new Map(b)] as const);
    const { config, allocatable } = this.context;
    return {
      pod,
      podIP,
      hostIP: config.nodeIp,
      nodeName: config.nodeName,
      allocatable,
      configMap: (name) => maps.get(name),
      secret: (name) => secretMap.get(name),
    };
  }

  private async create(pod: Pod, container: Container, attempt: number, sandbox: ObservedContainer, imageUser: string): Promise<string> {
    const { runtime, config, memoryBytes } = this.context;
    const context = await this.podContext(pod, this.podIP(pod, sandbox), environmentReferences(container));
    const environment = environmentOf(container, context, this.services.list());
    const terminationFile = this.pretends ? '' : await this.volumes.terminationFile(pod, container.name, attempt);
    const mounts = this.pretends ? [] : await this.volumes.mountsOf(pod, container, environment, terminationFile);
    const owner = { cluster: config.cluster, node: config.nodeName };
    const targetId = this.targetOf(pod, container);
    const settings = containerSettings(pod, container, {
      attempt,
      environment,
      mounts,
      sandbox,
      owner,
      nodeMemoryBytes: memoryBytes,
      terminationFile,
      imageUser,
      ...(targetId === undefined ? {} : { targetId }),
    });
    try {
      return await runtime.createContainer(settings);
    } catch (error) {
      throw new CreateError(messageOf(error), { cause: error });
    }
  }

  /** The container whose processes one that was added is to see, where it runs. */
  private targetOf(pod: Pod, { name }: Container): string | undefined {
    const target = pod.spec?.ephemeralContainers?.find((one) => one.name === name)?.targetContainerName;
    if (!target) return undefined;
    const [last] = attemptsOf(this.context.runtime.containersOf(pod.metadata.uid ?? ''), target);
    return last?.state === 'running' ? last.id : undefined;
  }

  private async postStart(pod: Pod, container: Container, id: string, sandbox: ObservedContainer, progress: Progress): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (!hook) return;
    const { runtime } = this.context;
    const observed = runtime.containersOf(pod.metadata.uid ?? '').find((one) => one.id === id);
    if (!observed) return;
    progress.starting(id, true);
    try {
      const passed = await runHook(
        runtime,
        hook,
        { container, observed, podIP: this.podIP(pod, sandbox) },
        HOOK_TIMEOUT_MS,
        progress.signal,
      );
      if (passed) return;
      progress.tell({
        type: 'Warning',
        reason: 'FailedPostStartHook',
        message: 'PostStartHook failed',
        container: container.name,
      });
      progress.tell({ type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook', container: container.name });
      await runtime.signal(id, 'SIGKILL');
    } finally {
      progress.starting(id, false);
    }
  }
}

/** The engine refused to make a container. */
class CreateError extends Error {
  override readonly name = 'CreateError';
}

function failureOf(error: unknown, container: Container): StartFailure {
  const failedAt = Date.now();
  const message = messageOf(error);
  if (error instanceof ImageError) {
    const pulled = error.reason === 'ErrImagePull' ? { image: container.image ?? '' } : {};
    return { reason: error.reason, message, failedAt, retryAt: failedAt + error.retryAfterMs, ...pulled };
  }
  if (error instanceof StartError) {
    return {
      reason: 'RunContainerError',
      message: `failed to start container "${container.name}": Error response from daemon: ${message}`,
      failedAt,
      retryAt: failedAt + 1_000,
    };
  }
  const reason =
    error instanceof ContainerConfigError
      ? 'CreateContainerConfigError'
      : error instanceof CreateError
        ? 'CreateContainerError'
        : 'CreateContainerConfigError';
  return { reason, message, failedAt, retryAt: failedAt + RETRY_MS };
}
