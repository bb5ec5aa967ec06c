import { deepEqual } from '#libs/apimachinery';
import { PODS, type Pod } from '#libs/api';
import { watchResource, type ResourceWatch } from '#libs/client';
import { runningSandbox } from '#libs/node';
import type { NodeContext } from './node-context.js';
import type { PodActions } from './pod-actions.js';
import { PodWorker } from './pod-worker.js';

const REFRESH_MS = 60_000;

/** All pods of the node: a worker each, woken by the API server's watch and by the runtime's events. */
export class PodManager {
  private readonly workers = new Map<string, PodWorker>();
  private readonly pods = new Map<string, Pod>();
  private readonly byName = new Map<string, Pod>();
  private readonly refreshing = new Set<string>();
  private watch: ResourceWatch<Pod> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly context: NodeContext,
    private readonly actions: PodActions,
  ) {
    actions.onObjectChange = (uid) => void this.refresh(uid);
  }

  /** Follows the node's pods. What runs without a pod is removed once the API server has said which there are. */
  start(): void {
    const { client, config, logger } = this.context;
    this.watch = watchResource<Pod>(client, PODS, {
      fieldSelector: `spec.nodeName=${config.nodeName}`,
      onChange: (next, old) => this.changed(next, old),
      onError: (error) => logger.warn('the watch of pods broke', { error: String(error) }),
    });
    void this.watch.synced.then(
      () => this.removeStrays(),
      () => undefined,
    );
    this.timer = setInterval(() => {
      for (const uid of this.workers.keys()) void this.refresh(uid);
    }, REFRESH_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const worker of this.workers.values()) worker.stop();
    await this.watch?.stop();
  }

  /** The pod of that name on this node. */
  pod(namespace: string, name: string): Pod | undefined {
    return this.byName.get(`${namespace}/${name}`);
  }

  list(): readonly Pod[] {
    return [...this.pods.values()];
  }

  wake(podUid: string): void {
    this.workers.get(podUid)?.wake();
  }

  private changed(next: Pod | undefined, old: Pod | undefined): void {
    const before = old?.metadata.uid ?? '';
    if (old && next?.metadata.uid !== before) {
      this.pods.delete(before);
      const name = nameOf(old);
      if (this.byName.get(name)?.metadata.uid === before) this.byName.delete(name);
      this.workers.get(before)?.gone();
    }
    if (!next) return;
    const uid = next.metadata.uid ?? '';
    this.pods.set(uid, next);
    this.byName.set(nameOf(next), next);
    const worker = this.workers.get(uid);
    if (!worker) return this.begin(uid, next);
    worker.update(next);
    if (!deepEqual([old?.metadata.labels, old?.metadata.annotations], [next.metadata.labels, next.metadata.annotations])) {
      void this.refresh(uid);
    }
  }

  private begin(uid: string, pod: Pod): void {
    const worker = new PodWorker(this.context, this.actions, pod, (ended) => this.workers.delete(ended));
    this.workers.set(uid, worker);
    if (this.context.runtime.containersOf(uid).length > 0) void this.refresh(uid);
  }

  /** One refresh of a pod at a time; a failure is tried again at the next. */
  private async refresh(uid: string): Promise<void> {
    const pod = this.pods.get(uid);
    const sandbox = runningSandbox(this.context.runtime.containersOf(uid));
    if (!pod || !sandbox || this.refreshing.has(uid) || pod.metadata.deletionTimestamp !== undefined) return;
    this.refreshing.add(uid);
    try {
      await this.actions.refresh(pod, sandbox);
    } catch (error) {
      this.context.logger.warn("a pod's volumes were not refreshed", { pod: pod.metadata.name, error: String(error) });
    } finally {
      this.refreshing.delete(uid);
    }
  }

  private async removeStrays(): Promise<void> {
    const { runtime, logger } = this.context;
    for (const uid of runtime.podUids()) {
      if (this.workers.has(uid)) continue;
      logger.info('removing the containers of a pod that is gone', { uid });
      try {
        for (const { id } of runtime.containersOf(uid)) await runtime.removeContainer(id);
        await this.actions.cleanUp(uid);
      } catch (error) {
        logger.warn('a stray was not removed', { uid, error: String(error) });
      }
    }
  }
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
