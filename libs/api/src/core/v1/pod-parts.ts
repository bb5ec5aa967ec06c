import { deepEqual, forbiddenField, invalidValue, type FieldError } from '#libs/apimachinery';
import type { PartStrategy } from '../../definition.js';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/types.js';
import type { Problems } from '../../problems.js';
import { specDiff } from '../../spec-diff.js';
import { withGeneration } from '../../strategy.js';
import { isRestartableInitContainer, qosClassOf } from './pod-resources.js';
import { MIRROR, validateWholePod } from './pod-validation.js';

const EMPTY_SPEC: PodSpec = { containers: [] };
const isStatic = ({ metadata }: Pod): boolean => metadata.annotations?.[MIRROR] !== undefined;

function validateEphemeralContainers(next: Pod, old: Pod): readonly FieldError[] {
  if (isStatic(old)) return [forbiddenField('', 'static pods do not support ephemeral containers')];
  const into: Problems = [...validateWholePod(next)];
  const path = 'spec.ephemeralContainers';
  const now = new Map((next.spec?.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const after = now.get(before.name);
    const name = JSON.stringify(before.name);
    if (!after) into.push(forbiddenField(path, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!deepEqual(after, before))
      into.push(forbiddenField(path, `existing ephemeral containers ${name} may not be changed\n${specDiff(before, after)}`));
  }
  return into;
}

/** `ephemeralcontainers`: containers may be added to a pod that runs, to look into it; none may change or go. */
export const ephemeralContainersPart: PartStrategy<Pod> = {
  prepare(next, old) {
    const { ephemeralContainers: _old, ...spec } = old.spec ?? EMPTY_SPEC;
    const added = next.spec?.ephemeralContainers;
    return withGeneration({ ...old, metadata: next.metadata, spec: { ...spec, ...(added ? { ephemeralContainers: added } : {}) } }, old);
  },
  validate: validateEphemeralContainers,
};

/** Each container with the resources that its namesake asks for. */
const resized = (old: readonly Container[] | undefined, next: readonly Container[] | undefined): readonly Container[] | undefined =>
  old?.map((container) => {
    const namesake = next?.find(({ name }) => name === container.name);
    if (!namesake) return container;
    const { resources: _old, ...rest } = container;
    return namesake.resources === undefined ? rest : { ...rest, resources: namesake.resources };
  });

function withResources(next: Pod, old: Pod): Pod {
  const spec = old.spec ?? EMPTY_SPEC;
  const initContainers = resized(spec.initContainers, next.spec?.initContainers);
  const containers = resized(spec.containers, next.spec?.containers) ?? [];
  return { ...old, metadata: next.metadata, spec: { ...spec, containers, ...(initContainers ? { initContainers } : {}) } };
}

type Amounts = Readonly<Record<string, string>>;

/** What is not cpu or memory. */
const others = (list: Amounts | undefined): Amounts =>
  Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));

const withoutCpuAndMemory = ({ resources, ...rest }: Container): unknown => {
  const { requests, limits, claims } = resources ?? ({} as ResourceRequirements);
  return { ...rest, requests: others(requests), limits: others(limits), claims: claims ?? [] };
};

function resizedContainers(into: Problems, path: string, next: readonly Container[] = [], old: readonly Container[] = []): void {
  old.forEach((before, index) => {
    const after = next[index];
    for (const kind of ['requests', 'limits'] as const) {
      const removed = Object.keys(before.resources?.[kind] ?? {}).some((name) => after?.resources?.[kind]?.[name] === undefined);
      if (removed) into.push(forbiddenField(`${path}[${index}].resources.${kind}`, `resource ${kind} cannot be removed`));
    }
  });
}

/** Whether the node of a pod says what its containers really have, and so could give them something else. */
function canBeResized({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running);
  return running === undefined || running.resources !== undefined;
}

/** Containers that run for the length of the pod: only those can be resized. */
const fixedInits = (spec: PodSpec | undefined): readonly Container[] =>
  (spec?.initContainers ?? []).filter((container) => !isRestartableInitContainer(container));

function validateResize(next: Pod, old: Pod): readonly FieldError[] {
  if (isStatic(old)) return [forbiddenField('', 'static pods cannot be resized')];
  if (old.spec?.os?.name === 'windows') return [forbiddenField('', 'windows pods cannot be resized')];
  const into: Problems = [...validateWholePod(next)];
  const spec = next.spec ?? EMPTY_SPEC;
  const before = old.spec ?? EMPTY_SPEC;
  const qosClass = qosClassOf(spec);
  if (qosClass !== (old.status?.qosClass ?? qosClassOf(before)))
    into.push(invalidValue('spec', qosClass, 'Pod QOS Class may not change as a result of resizing'));
  if (!canBeResized(old)) into.push(forbiddenField('spec', 'Pod running on node without support for resize'));
  resizedContainers(into, 'spec.containers', spec.containers, before.containers);
  resizedContainers(into, 'spec.initContainers', spec.initContainers, before.initContainers);
  const rest = (given: PodSpec): unknown => ({
    containers: given.containers.map(withoutCpuAndMemory),
    sidecars: (given.initContainers ?? []).filter(isRestartableInitContainer).map(withoutCpuAndMemory),
    initContainers: fixedInits(given),
  });
  if (!deepEqual(rest(spec), rest(before)))
    into.push(forbiddenField('spec', `only cpu and memory resources are mutable\n${specDiff(rest(before), rest(spec))}`));
  return into;
}

/** `resize`: cpu and memory of containers may change while they run, as long as the pod's class stays. */
export const resizePart: PartStrategy<Pod> = {
  prepare: (next, old) => withGeneration(withResources(next, old), old),
  validate: validateResize,
};
