import type { Instant } from '#libs/apimachinery';
import type { Container, Pod } from '#libs/api';
import { backoffUntil, goDuration, nextBackoff } from './backoff.js';
import { isSidecar, podFullName } from './names.js';
import { attemptsOf, runningSandbox, SANDBOX, type ObservedContainer, type Waiting } from './observed.js';
import type { Kill, PodAction, PodEvent, PodInput, PodPlan, StartFailure } from './pod-plan.js';
import { fatalProbe, isStarted } from './probes.js';
import { resizeOf } from './resources.js';
import { terminationPlan } from './termination.js';

const BACKOFF_SHOWS_AFTER_MS = 3_000;

const DEADLINE_EVENT: PodEvent = {
  type: 'Normal',
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** Compares a pod with what runs of it and says what to do: the kubelet's computePodActions. Deterministic. */
export function planPod(input: PodInput, now: Instant): PodPlan {
  const { pod, containers } = input;
  if (pod.metadata.deletionTimestamp !== undefined || pod.status?.reason === 'Evicted') return terminationPlan(input, 'terminating');
  if (deadlineExceeded(pod, now)) {
    const plan = terminationPlan(input, 'terminating');
    return pod.status?.reason === 'DeadlineExceeded' ? plan : { ...plan, events: [DEADLINE_EVENT] };
  }
  if (hasFinished(pod, containers)) return terminationPlan(input, 'finished');
  const draft = new Draft(input, now);
  if (!runningSandbox(containers)) draft.renewSandbox();
  else {
    draft.runEphemeralContainers();
    draft.runContainers();
  }
  draft.removeOld();
  return draft.plan();
}

/** Whether a pod has run longer than its activeDeadlineSeconds. */
export function deadlineExceeded(pod: Pod, now: Instant): boolean {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const started = pod.status?.startTime;
  return seconds !== undefined && started !== undefined && now >= Date.parse(started) + seconds * 1000;
}

/** Whether a container that exited so is to run again. */
export function shouldRestart(pod: Pod, container: Container, last: ObservedContainer): boolean {
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && last.exitCode !== 0);
}

/** Whether every container of a pod has ended for good, or an init container has failed for good. */
function hasFinished(pod: Pod, containers: readonly ObservedContainer[]): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return true;
  const ended = (container: Container): boolean => {
    const [last] = attemptsOf(containers, container.name);
    return last?.state === 'exited' && !shouldRestart(pod, container, last);
  };
  const initFailed = (pod.spec?.initContainers ?? []).some((container) => {
    if (isSidecar(container) || pod.spec?.restartPolicy !== 'Never') return false;
    const [last] = attemptsOf(containers, container.name);
    return last?.state === 'exited' && last.exitCode !== 0;
  });
  return initFailed || (pod.spec?.containers ?? []).every(ended);
}

class Draft {
  private readonly actions: PodAction[] = [];
  /** Done after the rest, for one that fails must not hold up what else there is to do. */
  private readonly resizes: PodAction[] = [];
  private readonly kills: Kill[] = [];
  private readonly waiting = new Map<string, Waiting>();
  private readonly events: PodEvent[] = [];
  private requeueAt: Instant | undefined;

  constructor(
    private readonly input: PodInput,
    private readonly now: Instant,
  ) {}

  plan(): PodPlan {
    const { kills, waiting, events, requeueAt } = this;
    const actions = [...this.actions, ...this.resizes];
    return { stage: 'active', actions, kills, waiting, events, ...this.deadline(requeueAt) };
  }

  private deadline(requeueAt: Instant | undefined): { requeueAt?: Instant } {
    const { pod } = this.input;
    const seconds = pod.spec?.activeDeadlineSeconds;
    const at = seconds === undefined || !pod.status?.startTime ? Infinity : Date.parse(pod.status.startTime) + seconds * 1000;
    const next = Math.min(requeueAt ?? Infinity, at);
    return Number.isFinite(next) ? { requeueAt: next } : {};
  }

  /** Without a sandbox nothing of the pod can run: what still does is stopped first. */
  renewSandbox(): void {
    const { containers, memory } = this.input;
    const alive = containers.filter(({ name, state }) => name !== SANDBOX && state === 'running');
    for (const { id, name } of alive) this.kills.push({ id, container: name, message: `Stopping container ${name}` });
    const [last] = attemptsOf(containers, SANDBOX);
    if (alive.length > 0) return;
    if (memory.sandboxRetryAt !== undefined && this.now < memory.sandboxRetryAt) return this.lookAgain(memory.sandboxRetryAt);
    if (last)
      this.events.push({ type: 'Normal', reason: 'SandboxChanged', message: 'Pod sandbox changed, it will be killed and re-created.' });
    this.actions.push({ kind: 'create-sandbox', attempt: last ? last.attempt + 1 : 0 });
  }

  /** Containers that were added to look into the pod run once, and before the others, so that those which don't start can be looked into. */
  runEphemeralContainers(): void {
    const { pod, containers } = this.input;
    for (const container of pod.spec?.ephemeralContainers ?? []) {
      const [last] = attemptsOf(containers, container.name);
      const ran = pod.status?.ephemeralContainerStatuses?.some(({ name, containerID }) => name === container.name && containerID);
      if (last === undefined ? !ran : last.state === 'created') this.start(container);
    }
  }

  runContainers(): void {
    const { pod, containers } = this.input;
    const sandboxSince = runningSandbox(containers)?.createdAt ?? 0;
    const anyStarted = (pod.spec?.containers ?? []).some(({ name }) =>
      attemptsOf(containers, name).some(({ createdAt }) => createdAt >= sandboxSince),
    );
    for (const container of pod.spec?.initContainers ?? []) {
      if (isSidecar(container)) {
        if (!this.keepRunning(container) && !anyStarted) return;
        continue;
      }
      if (anyStarted) continue;
      const last = attemptsOf(containers, container.name).find(({ createdAt }) => createdAt >= sandboxSince);
      if (last?.state === 'exited' && last.exitCode === 0) continue;
      if (last?.state !== 'running') this.start(container);
      return;
    }
    for (const container of pod.spec?.containers ?? []) this.keepRunning(container);
  }

  /** Starts the container where it does not run, kills it where its probes say so. True: it runs and has started. */
  private keepRunning(container: Container): boolean {
    const { pod, containers, memory } = this.input;
    const [last] = attemptsOf(containers, container.name);
    if (last?.state === 'running') {
      const verdicts = memory.probes.get(last.id);
      const fatal = fatalProbe(container, verdicts);
      if (fatal)
        this.kills.push({
          id: last.id,
          container: container.name,
          probe: fatal,
          message: `Container ${container.name} failed ${fatal} probe, will be restarted`,
        });
      if (!fatal) this.resize(container, last);
      return !memory.starting.has(last.id) && isStarted(container, verdicts);
    }
    if (last?.state === 'exited' && !shouldRestart(pod, container, last)) return false;
    this.start(container);
    return false;
  }

  /** Gives a container that runs what it asks for now, by starting it anew where that is its policy. */
  private resize({ name, ...container }: Container, { id, limits }: ObservedContainer): void {
    const change = resizeOf(this.input.pod, { name, ...container }, limits);
    if (!change) return;
    const retryAt = this.input.memory.resizes?.get(id);
    if (retryAt !== undefined && this.now < retryAt) return this.lookAgain(retryAt);
    if (change.restarts) this.kills.push({ id, container: name, message: `Container ${name} resize requires restart` });
    else this.resizes.push({ kind: 'resize', id, limits: change.limits });
  }

  private start(container: Container): void {
    const { containers, memory, pod } = this.input;
    const failure = memory.failures.get(container.name);
    if (failure && this.now < failure.retryAt) return this.waitOut(container, failure);
    const [last] = attemptsOf(containers, container.name);
    if (!last || last.state === 'created') {
      if (last) this.actions.push({ kind: 'remove', id: last.id });
      this.actions.push({ kind: 'start', container: container.name, attempt: last?.attempt ?? this.attemptOfStatus(container) });
      return;
    }
    const failedAt = last.finishedAt ?? last.createdAt;
    const backoff = memory.backoffs.get(container.name);
    const until = backoffUntil(backoff, failedAt, this.now);
    if (until === undefined) {
      this.actions.push({
        kind: 'start',
        container: container.name,
        attempt: last.attempt + 1,
        backoff: nextBackoff(backoff, failedAt, this.now),
      });
      return;
    }
    const name = podFullName(pod);
    const message = `back-off ${goDuration(backoff?.delayMs ?? 0)} restarting failed container=${container.name} pod=${name}`;
    this.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
    this.events.push({
      type: 'Warning',
      reason: 'BackOff',
      message: `Back-off restarting failed container ${container.name} in pod ${name}`,
      container: container.name,
    });
    this.lookAgain(until);
  }

  /** A container of which every trace is gone goes on counting where its status stopped. */
  private attemptOfStatus(container: Container): number {
    const { status } = this.input.pod;
    const known = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(
      ({ name }) => name === container.name,
    );
    return known?.containerID ? known.restartCount + 1 : (known?.restartCount ?? 0);
  }

  private waitOut(container: Container, failure: StartFailure): void {
    const shownAt = failure.failedAt + BACKOFF_SHOWS_AFTER_MS;
    if (failure.image === undefined || this.now < shownAt) {
      this.waiting.set(container.name, { reason: failure.reason, ...(failure.message === undefined ? {} : { message: failure.message }) });
      return this.lookAgain(failure.image === undefined ? failure.retryAt : Math.min(shownAt, failure.retryAt));
    }
    const message = `Back-off pulling image "${failure.image}"`;
    this.waiting.set(container.name, { reason: 'ImagePullBackOff', message: `${message}: ${failure.reason}: ${failure.message ?? ''}` });
    this.events.push({ type: 'Normal', reason: 'BackOff', message, container: container.name });
    this.events.push({ type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff', container: container.name });
    this.lookAgain(failure.retryAt);
  }

  /**
   * Of each name the newest dead container is kept, for its logs; older ones go. One that runs although a newer was
   * made, since somebody else started it again, would share its ports with the newer.
   */
  removeOld(): void {
    const names = new Set(this.input.containers.map(({ name }) => name));
    for (const name of names) {
      const attempts = attemptsOf(this.input.containers, name);
      const revived = name === SANDBOX ? [] : attempts.slice(1).filter(({ state }) => state === 'running');
      for (const { id } of revived) this.kills.push({ id, container: name, message: `Stopping container ${name}` });
      const dead = attempts.filter(({ state }) => state === 'exited');
      const kept = name === SANDBOX ? 0 : 1;
      for (const { id } of dead.slice(kept)) this.actions.push({ kind: 'remove', id });
    }
  }

  private lookAgain(at: Instant): void {
    this.requeueAt = Math.min(this.requeueAt ?? Infinity, at);
  }
}
