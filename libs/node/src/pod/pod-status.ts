import { formatTime, type Instant } from '#libs/apimachinery';
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '#libs/api';
import { podConditions } from './conditions.js';
import { containerStatuses, type StatusInput } from './container-status.js';
import { isSidecar } from './names.js';
import { runningSandbox } from './observed.js';
import { deadlineExceeded } from './plan.js';
import { qosClassOf } from './resources.js';

/** A pod's phase from its containers' statuses: the kubelet's getPhase. */
export function podPhase(pod: Pod, init: readonly ContainerStatus[], own: readonly ContainerStatus[], ending: boolean): string {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  let pendingInit = 0;
  let failedInit = 0;
  for (const spec of pod.spec?.initContainers ?? []) {
    const status = init.find(({ name }) => name === spec.name);
    if (isSidecar(spec)) {
      if (status?.started !== true) pendingInit += 1;
    } else if (status?.state?.terminated) {
      if (status.state.terminated.exitCode !== 0) failedInit += 1;
    } else if (status?.lastState?.terminated && status.lastState.terminated.exitCode !== 0) {
      failedInit += 1;
    } else {
      pendingInit += 1;
    }
  }
  const running = own.filter(({ state }) => state?.running).length;
  const terminated = own.filter(({ state }) => state?.terminated);
  const waited = own.filter(({ state, lastState }) => state?.waiting && lastState?.terminated).length;
  const waiting = own.filter(({ state, lastState }) => state?.waiting && !lastState?.terminated).length;
  if (failedInit > 0 && policy === 'Never') return 'Failed';
  if (pendingInit + failedInit > 0 && running + terminated.length + waited === 0) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (terminated.length + waited === 0) return 'Pending';
  if (policy === 'Always' && !ending) return 'Running';
  const succeeded = terminated.every(({ state }) => state?.terminated?.exitCode === 0) && waited === 0;
  if (succeeded) return 'Succeeded';
  return policy === 'Never' || ending ? 'Failed' : 'Running';
}

/** The node's part in a status. */
export interface NodeFacts {
  readonly hostIP: string;
}

/**
 * A pod's whole status from what runs of it. Conditions keep their transition times where nothing changed, and
 * those of others (readiness gates) are kept. A pod that has ended stays so.
 */
export function podStatus(input: StatusInput, node: NodeFacts, now: Instant): PodStatus {
  const { pod, containers } = input;
  const old = pod.status ?? {};
  const init = containerStatuses(input, pod.spec?.initContainers ?? [], true);
  const own = containerStatuses(input, pod.spec?.containers ?? [], false);
  const added = containerStatuses(input, pod.spec?.ephemeralContainers ?? [], false).map((status) => ({ ...status, ready: false }));
  const overdue = deadlineExceeded(pod, now) && old.phase !== 'Succeeded';
  const settled = old.phase === 'Succeeded' || old.phase === 'Failed' ? old.phase : undefined;
  const computed = podPhase(pod, init, own, input.ending);
  const phase = settled ?? (overdue ? 'Failed' : computed);
  const sandbox = runningSandbox(containers);
  const podIP = pod.spec?.hostNetwork === true ? node.hostIP : (sandbox?.ip ?? old.podIP);
  const conditions = podConditions(pod, { init, own, phase, sandbox: sandbox !== undefined });
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: withTimes(conditions, old.conditions ?? [], now),
    ...(overdue && !settled
      ? { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }
      : keptReason(old)),
    hostIP: node.hostIP,
    hostIPs: [{ ip: node.hostIP }],
    ...(podIP ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    startTime: old.startTime ?? formatTime(now),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: own,
    ...(added.length > 0 ? { ephemeralContainerStatuses: added } : {}),
    qosClass: old.qosClass ?? qosClassOf(pod),
  };
}

const keptReason = ({ reason, message }: PodStatus): { reason?: string; message?: string } => ({
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

function withTimes(next: readonly PodCondition[], old: readonly PodCondition[], now: Instant): readonly PodCondition[] {
  const timed = next.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return {
      ...condition,
      lastProbeTime: before?.lastProbeTime ?? null,
      lastTransitionTime: same ? before.lastTransitionTime : formatTime(now),
    };
  });
  const others = old.filter(({ type }) => !next.some((condition) => condition.type === type));
  return [...timed, ...others] as readonly PodCondition[];
}
