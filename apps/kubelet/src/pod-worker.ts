import { PODS, type Pod, type PodStatus } from '#libs/api';
import { deepEqual, StatusError } from '#libs/apimachinery';
import {
  fieldPathOf,
  isSidecar,
  planPod,
  podStatus,
  runningSandbox,
  SANDBOX,
  type AppliedLimits,
  type Backoff,
  type ObservedContainer,
  type PodEvent,
  type PodInput,
  type PodPlan,
  type ProbeVerdicts,
  type StartFailure,
} from '#libs/node';
import { ContainerKiller } from './container-killer.js';
import type { NodeContext } from './node-context.js';
import type { PodActions } from './pod-actions.js';
import { Prober } from './prober.js';
import { StatusWriter } from './status-writer.js';

const REPEAT_EVENT_MS = 10_000;
const RETRY_MS = 1_000;
/** How long a resize that did not take is left alone. */
const RESIZE_AGAIN_MS = 30_000;

/**
 * Keeps one pod as it should be. Whatever happens only wakes it; it then looks at everything, plans, and lets the
 * plan be carried out. One pass runs at a time, so no two actions of a pod overlap.
 */
export class PodWorker {
  private readonly writer: StatusWriter;
  private readonly prober: Prober;
  private readonly killer: ContainerKiller;
  private readonly backoffs = new Map<string, Backoff>();
  private readonly failures = new Map<string, StartFailure>();
  private readonly starting = new Set<string>();
  /** When containers may be told again to have other limits, by id. */
  private readonly resizes = new Map<string, number>();
  private readonly told = new Map<string, number>();
  private status: PodStatus | undefined;
  private sandboxRetryAt: number | undefined;
  private sandboxRetries = 0;
  private busy: AbortController | undefined;
  private timer: NodeJS.Timeout | undefined;
  private woken = false;
  private deleted = false;
  private ended = false;
  private finishing = false;

  constructor(
    private readonly context: NodeContext,
    private readonly actions: PodActions,
    private pod: Pod,
    private readonly onEnd: (uid: string) => void,
  ) {
    this.writer = new StatusWriter(context.client, context.logger, pod);
    this.prober = new Prober(
      context.runtime,
      () => this.wake(),
      (event) => this.tell(event),
    );
    this.killer = new ContainerKiller(
      context.runtime,
      (event) => this.tell(event),
      () => this.wake(),
    );
    this.wake();
  }

  /** The pod as the API server now has it. */
  update(pod: Pod): void {
    this.pod = pod;
    this.writer.observe(pod);
    this.wake();
  }

  /** The API server has it no more: what runs of it is stopped, and nobody is told. */
  gone(): void {
    this.deleted = true;
    this.writer.stop();
    const { metadata } = this.pod;
    this.pod = { ...this.pod, metadata: { ...metadata, deletionTimestamp: metadata.deletionTimestamp ?? new Date().toISOString() } };
    this.wake();
  }

  wake(): void {
    if (this.woken || this.ended) return;
    this.woken = true;
    setImmediate(() => {
      this.woken = false;
      this.pass();
    });
  }

  /** The agent stops; the pod goes on. */
  stop(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.prober.stop();
    this.writer.stop();
    this.busy?.abort();
    this.killer.stop();
  }

  private pass(): void {
    if (this.ended || this.finishing) return;
    clearTimeout(this.timer);
    const now = Date.now();
    const input = this.input();
    const plan = planPod(input, now);
    for (const event of plan.events) this.tellOnce(event, now);
    this.probe(plan, input.containers);
    this.publish(plan, input, now);
    for (const kill of plan.kills) this.killer.kill(input.pod, kill, input.containers, this.podIP(input.containers));
    if (plan.stage !== 'active') this.busy?.abort();
    if (plan.actions.length > 0 && !this.busy) void this.carryOut(plan);
    if (plan.stage === 'terminated' && !this.busy && this.killer.idle) void this.finish();
    const delay = plan.requeueAt === undefined ? undefined : Math.max(10, plan.requeueAt - Date.now());
    if (delay !== undefined) this.timer = setTimeout(() => this.wake(), Math.min(delay, 2 ** 31 - 1));
  }

  /** The pod with the status this node last computed, for the API server may not have it yet. */
  private input(): PodInput {
    const containers = this.context.runtime.containersOf(this.pod.metadata.uid ?? '');
    const others = (this.pod.status?.conditions ?? []).filter(({ type }) => !this.status?.conditions?.some((own) => own.type === type));
    const status = this.status ? { ...this.status, conditions: [...(this.status.conditions ?? []), ...others] } : undefined;
    const memory = {
      backoffs: this.backoffs,
      failures: this.failures,
      probes: this.prober.verdicts(),
      starting: this.starting,
      resizes: this.resizes,
      ...(this.sandboxRetryAt === undefined ? {} : { sandboxRetryAt: this.sandboxRetryAt }),
    };
    return { pod: status ? { ...this.pod, status } : this.pod, containers, memory };
  }

  private podIP(containers: readonly ObservedContainer[]): string {
    return this.pod.spec?.hostNetwork === true ? this.context.config.nodeIp : (runningSandbox(containers)?.ip ?? '');
  }

  private probe(plan: PodPlan, containers: readonly ObservedContainer[]): void {
    if (plan.stage !== 'active') {
      this.prober.stop();
      return;
    }
    const specs = [...(this.pod.spec?.initContainers ?? []).filter(isSidecar), ...(this.pod.spec?.containers ?? [])];
    const podIP = this.podIP(containers);
    this.prober.follow(
      specs.flatMap((container) => {
        const observed = containers.find(({ name, state, id }) => name === container.name && state === 'running' && !this.starting.has(id));
        return observed ? [{ container, observed, podIP, known: this.knownVerdicts(observed) }] : [];
      }),
    );
  }

  /** What the status says of this very container: so that readiness survives a restart of the agent. */
  private knownVerdicts(observed: ObservedContainer): ProbeVerdicts {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod.status ?? {};
    const known = [...containerStatuses, ...initContainerStatuses].find(
      ({ containerID }) => containerID?.endsWith(`://${observed.id}`) === true,
    );
    return { ...(known?.ready === true ? { readiness: 'success' } : {}), ...(known?.started === true ? { startup: 'success' } : {}) };
  }

  private publish(plan: PodPlan, { pod, containers, memory }: PodInput, now: number): void {
    const status = podStatus(
      {
        pod,
        containers,
        memory: { ...memory, probes: this.prober.verdicts() },
        waiting: plan.waiting,
        runtime: this.context.runtime.name,
        ending: plan.stage !== 'active',
      },
      { hostIP: this.context.config.nodeIp },
      now,
    );
    this.status = status;
    if (!this.deleted) this.writer.write(status);
  }

  private async carryOut(plan: PodPlan): Promise<void> {
    const controller = new AbortController();
    this.busy = controller;
    try {
      for (const action of plan.actions) {
        if (controller.signal.aborted) break;
        const { pod, containers } = this.input();
        if (action.kind === 'remove') await this.context.runtime.removeContainer(action.id);
        else if (action.kind === 'resize') await this.resize(action.id, action.limits);
        else if (action.kind === 'create-sandbox') await this.createSandbox(pod, action.attempt, controller.signal);
        else if (!(await this.startContainer(pod, action, containers, controller.signal))) continue;
      }
    } catch (error) {
      if (!controller.signal.aborted) {
        this.context.logger.error('an action for a pod failed', error, { pod: this.pod.metadata.name });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    } finally {
      this.busy = undefined;
      this.wake();
    }
  }

  private async resize(id: string, limits: AppliedLimits): Promise<void> {
    this.resizes.set(id, Date.now() + RESIZE_AGAIN_MS);
    await this.context.runtime.resizeContainer(id, limits);
    // Told and done: the next change need not wait.
    const containers = this.context.runtime.containersOf(this.pod.metadata.uid ?? '');
    if (deepEqual(containers.find((container) => container.id === id)?.limits, limits)) this.resizes.delete(id);
    for (const known of this.resizes.keys()) if (!containers.some((container) => container.id === known)) this.resizes.delete(known);
  }

  private async createSandbox(pod: Pod, attempt: number, signal: AbortSignal): Promise<void> {
    const failed = await this.actions.createSandbox(pod, attempt, (event) => this.tell(event), signal);
    this.sandboxRetries = failed ? this.sandboxRetries + 1 : 0;
    this.sandboxRetryAt = failed ? Date.now() + Math.min(120_000, 500 * 2 ** Math.min(10, this.sandboxRetries)) : undefined;
  }

  private async startContainer(
    pod: Pod,
    action: { container: string; attempt: number; backoff?: Backoff },
    containers: readonly ObservedContainer[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const sandbox = runningSandbox(containers);
    if (!sandbox) return false;
    const failure = await this.actions.start(pod, action.container, action.attempt, sandbox, {
      tell: (event) => this.tell(event),
      starting: (id, on) => {
        if (on) this.starting.add(id);
        else this.starting.delete(id);
        this.wake();
      },
      signal,
    });
    // Only now: while it starts, the container is not waiting out anything.
    if (action.backoff) this.backoffs.set(action.container, action.backoff);
    if (failure) this.failures.set(action.container, failure);
    else this.failures.delete(action.container);
    return failure === undefined;
  }

  /** Nothing runs any more: the last status, the end of the API object, and no trace on the node. */
  private async finish(): Promise<void> {
    this.finishing = true;
    const { uid = '', namespace, name = '' } = this.pod.metadata;
    try {
      await this.writer.flush();
      for (const { id, name: container } of this.context.runtime.containersOf(uid)) {
        if (container === SANDBOX || this.deleted) await this.context.runtime.removeContainer(id);
      }
      if (!this.deleted && this.pod.metadata.deletionTimestamp !== undefined) {
        await this.context.client.delete(PODS, namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } }).catch(ignoreGone);
      }
      if (!this.deleted && this.pod.metadata.deletionTimestamp === undefined) {
        this.finishing = false;
        return;
      }
      for (const { id } of this.context.runtime.containersOf(uid)) await this.context.runtime.removeContainer(id);
      await this.actions.cleanUp(uid);
      this.stop();
      this.onEnd(uid);
    } catch (error) {
      this.context.logger.warn('a pod could not be cleaned up yet', { pod: name, error: String(error) });
      this.finishing = false;
      this.timer = setTimeout(() => this.wake(), RETRY_MS);
    }
  }

  private tellOnce(event: PodEvent, now: number): void {
    const key = `${event.container ?? ''}/${event.reason}/${event.message}`;
    if (now - (this.told.get(key) ?? 0) < REPEAT_EVENT_MS) return;
    if (this.told.size > 100) this.told.clear();
    this.told.set(key, now);
    this.tell(event);
  }

  private tell({ container, ...details }: PodEvent): void {
    const { namespace = '', name = '', uid = '', resourceVersion } = this.pod.metadata;
    const reference = {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace,
      name,
      uid,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    this.context.events.record(
      container === undefined ? reference : { ...reference, fieldPath: fieldPathOf(this.pod, container) },
      details,
    );
  }
}

function ignoreGone(error: unknown): void {
  if (error instanceof StatusError && (error.reason === 'NotFound' || error.reason === 'Conflict')) return;
  throw error;
}
