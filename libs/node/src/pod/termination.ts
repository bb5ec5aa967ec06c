import type { Container, Pod } from '#libs/api';
import { isSidecar } from './names.js';
import { SANDBOX, type ObservedContainer } from './observed.js';
import type { Kill, PodInput, PodPlan } from './pod-plan.js';
import type { ProbeKind } from './probes.js';

const DEFAULT_GRACE_S = 30;

/** How long a container has to end by itself: the deletion's, the failed probe's, or the pod's own grace period. */
export function graceSeconds(pod: Pod, container: Container | undefined, probe?: ProbeKind): number {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp !== undefined)
    return Math.max(0, deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S);
  const own = probe && container ? container[`${probe}Probe`]?.terminationGracePeriodSeconds : undefined;
  return own ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_S;
}

/**
 * Stops what runs of a pod: its containers at once, sidecars after them in the reverse order of their start, the
 * sandbox last. `terminated` or `finished` without kills: nothing runs any more.
 */
export function terminationPlan(input: PodInput, stage: 'terminating' | 'finished'): PodPlan {
  const { pod, containers } = input;
  const alive = containers.filter(({ state }) => state === 'running');
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const main = alive.filter(({ name }) => name !== SANDBOX && !sidecars.includes(name));
  const lastSidecar = [...sidecars].reverse().find((sidecar) => alive.some(({ name }) => name === sidecar));
  const sandboxes = alive.filter(({ name }) => name === SANDBOX);
  const next = main.length > 0 ? main : lastSidecar !== undefined ? alive.filter(({ name }) => name === lastSidecar) : sandboxes;
  const none = { actions: [], waiting: new Map(), events: [] };
  return { ...none, stage: next.length === 0 && stage === 'terminating' ? 'terminated' : stage, kills: next.map(killOf) };
}

const killOf = ({ id, name }: ObservedContainer): Kill => ({
  id,
  container: name,
  ...(name === SANDBOX ? {} : { message: `Stopping container ${name}` }),
});
