import type { ContainerRuntime } from '#libs/node-adapters';
import type { Container, Pod } from '#libs/api';
import { allContainers, graceSeconds, SANDBOX, type Kill, type ObservedContainer, type PodEvent } from '#libs/node';
import { runHook } from './hooks.js';

interface Killing {
  deadline: number;
  hurry: AbortController;
}

const MIN_GRACE_MS = 2_000;
const AFTER_KILL_MS = 10_000;

/** Stops a pod's containers: preStop hook, the container's stop signal, and SIGKILL when the time is up. */
export class ContainerKiller {
  private readonly killing = new Map<string, Killing>();
  private stopped = false;

  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly tell: (event: PodEvent) => void,
    private readonly onEnd: () => void,
  ) {}

  get idle(): boolean {
    return this.killing.size === 0;
  }

  /** Begins to stop a container; a second call can only shorten the time it has. */
  kill(pod: Pod, kill: Kill, containers: readonly ObservedContainer[], podIP: string): void {
    const observed = containers.find(({ id }) => id === kill.id);
    if (!observed) return;
    const spec = allContainers(pod).find(({ name }) => name === kill.container);
    const graceMs = kill.container === SANDBOX ? 0 : Math.max(MIN_GRACE_MS, graceSeconds(pod, spec, kill.probe) * 1000);
    const current = this.killing.get(kill.id);
    if (current) {
      const deadline = Date.now() + graceMs;
      if (deadline >= current.deadline - 500) return;
      current.deadline = deadline;
      current.hurry.abort();
      return;
    }
    const killing = { deadline: Date.now() + graceMs, hurry: new AbortController() };
    this.killing.set(kill.id, killing);
    if (kill.message) this.tell({ type: 'Normal', reason: 'Killing', message: kill.message, container: kill.container });
    void this.carryOut(pod, spec, observed, podIP, killing).finally(() => {
      this.killing.delete(kill.id);
      this.onEnd();
    });
  }

  /** Ends the waiting; containers are left to end by themselves. */
  stop(): void {
    this.stopped = true;
    for (const { hurry } of this.killing.values()) hurry.abort();
  }

  private async carryOut(
    pod: Pod,
    spec: Container | undefined,
    observed: ObservedContainer,
    podIP: string,
    killing: Killing,
  ): Promise<void> {
    try {
      if (observed.name !== SANDBOX) {
        if (spec?.lifecycle?.preStop) {
          const passed = await runHook(
            this.runtime,
            spec.lifecycle.preStop,
            { container: spec, observed, podIP },
            killing.deadline - Date.now(),
            killing.hurry.signal,
          );
          if (!passed) this.tell({ type: 'Warning', reason: 'FailedPreStopHook', message: 'PreStopHook failed', container: spec.name });
        }
        killing.deadline = Math.max(killing.deadline, Date.now() + MIN_GRACE_MS);
        await this.runtime.signal(observed.id, observed.stopSignal ?? 'SIGTERM');
        if (await this.awaitDeadline(observed.id, killing)) return;
      }
      if (this.stopped) return;
      await this.runtime.signal(observed.id, 'SIGKILL');
      await this.runtime.waitForExit(observed.id, AFTER_KILL_MS);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.tell({ type: 'Warning', reason: 'FailedKillPod', message: `error killing pod: ${message}` });
      await new Promise((resolve) => setTimeout(resolve, MIN_GRACE_MS));
    }
  }

  /** The deadline may move closer while we wait. */
  private async awaitDeadline(id: string, killing: Killing): Promise<boolean> {
    for (;;) {
      if (killing.hurry.signal.aborted) killing.hurry = new AbortController();
      const left = killing.deadline - Date.now();
      if (left <= 0) return false;
      if (await this.runtime.waitForExit(id, left, killing.hurry.signal)) return true;
      if (this.stopped) return true;
    }
  }
}
