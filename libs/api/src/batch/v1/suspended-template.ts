import type { Affinity, Container, Job, ObjectMeta, PodSpec, PodTemplateSpec } from '../../generated/types.js';
import { hasJobCondition } from './job-conditions.js';

const NO_CONTAINERS: PodSpec = { containers: [] };

/** `object` with one member as it is in `from`. */
function taken<T extends object, K extends keyof T>(object: T, from: T, member: K): T {
  const { [member]: _old, ...rest } = object;
  const value = from[member];
  return (value === undefined ? rest : { ...rest, [member]: value }) as T;
}

function affinity(old: Affinity | undefined, next: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _old, ...others } = old ?? {};
  if (next === undefined) return Object.keys(others).length === 0 ? undefined : others;
  return next.nodeAffinity === undefined ? others : { ...others, nodeAffinity: next.nodeAffinity };
}

/** Where pods go, and how they are labelled, may move. */
function scheduling(old: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  const [before, after] = [old.spec ?? NO_CONTAINERS, next.spec ?? NO_CONTAINERS];
  let spec = before;
  for (const member of ['nodeSelector', 'tolerations', 'schedulingGates'] as const) spec = taken(spec, after, member);
  const kept = affinity(before.affinity, after.affinity);
  spec = taken(spec, kept === undefined ? NO_CONTAINERS : { ...NO_CONTAINERS, affinity: kept }, 'affinity');
  let metadata: ObjectMeta = old.metadata ?? {};
  for (const member of ['labels', 'annotations'] as const) metadata = taken(metadata, next.metadata ?? {}, member);
  return { ...(old.metadata || next.metadata ? { metadata } : {}), ...(old.spec || next.spec ? { spec } : {}) };
}

function resources(old: readonly Container[] | undefined, next: readonly Container[] | undefined): readonly Container[] | undefined {
  if (old?.length !== next?.length) return old;
  return old?.map((container, index) => {
    const other = next?.[index];
    return other?.name === container.name ? taken(container, other, 'resources') : container;
  });
}

/** What containers ask for may move. */
function requested(old: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  if (!old.spec || !next.spec) return old;
  const containers = resources(old.spec.containers, next.spec.containers) ?? [];
  const initContainers = resources(old.spec.initContainers, next.spec.initContainers);
  return { ...old, spec: { ...old.spec, containers, ...(initContainers === undefined ? {} : { initContainers }) } };
}

/**
 * The template a Job has to keep, given the one it is to get: while it is suspended and none of its pods is there,
 * what they are scheduled by may move (KEP-2926, KEP-5440).
 */
export function templateOfSuspended({ spec, status }: Job, next: PodTemplateSpec): PodTemplateSpec {
  const old = spec?.template ?? {};
  if (spec?.suspend !== true) return old;
  const idle = status?.startTime === undefined || (hasJobCondition(status, 'Suspended') && !status.active);
  return idle ? requested(scheduling(old, next), next) : old;
}
