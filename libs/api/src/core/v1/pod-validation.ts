import {
  deepEqual,
  forbiddenField,
  invalidValue,
  isInRange,
  isQualifiedName,
  validateAnnotations,
  validateImmutableField,
  validateIpOfLegacyField,
  validateLabels,
  dnsSubdomainNames,
  type FieldError,
} from '#libs/apimachinery';
import type { Container, ContainerStatus, Pod, PodSpec, PodTemplateSpec, Toleration } from '../../generated/types.js';
import { judge, unique, type Problems } from '../../problems.js';
import { specDiff } from '../../spec-diff.js';
import { isRestartableInitContainer } from './pod-resources.js';
import { podSpec } from './pod-spec-validation.js';
import { tolerations } from './scheduling-validation.js';

/** Marks the copy of a pod that a kubelet runs by a file of its own. */
export const MIRROR = 'kubernetes.io/config.mirror';
/** Annotation by which a user says which pods are cheap to lose. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const MOST_INT32 = 2147483647;
const EMPTY_SPEC: PodSpec = { containers: [] };

function podAnnotations(into: Problems, path: string, annotations: Readonly<Record<string, string>> | undefined, spec: PodSpec): void {
  const mirror = annotations?.[MIRROR];
  if (mirror !== undefined && !spec.nodeName) {
    into.push(invalidValue(`${path}[${MIRROR}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations?.[DELETION_COST];
  const whole = cost === undefined || (/^-?(0|[1-9]\d*)$/.test(cost) && isInRange(Number(cost), -MOST_INT32 - 1, MOST_INT32).length === 0);
  if (!whole) into.push(invalidValue(`${path}[${DELETION_COST}]`, cost, 'must be a 32bit integer'));
}

function imagesWithoutPadding(into: Problems, path: string, containers: readonly Container[] | undefined): void {
  for (const [index, { image = '' }] of (containers ?? []).entries()) {
    if (image !== image.trim()) into.push(invalidValue(`${path}[${index}].image`, image, 'must not have leading or trailing whitespace'));
  }
}

/** The rules of pods beyond those of templates. */
function wholePod(into: Problems, pod: Pod): void {
  const spec = pod.spec ?? EMPTY_SPEC;
  podAnnotations(into, 'metadata.annotations', pod.metadata.annotations, spec);
  podSpec(into, 'spec', spec, { isPod: true, ...(pod.metadata.name === undefined ? {} : { podName: pod.metadata.name }) });
  if (!spec.serviceAccountName) {
    for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [position, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
        if (!serviceAccountToken) continue;
        const field = `spec.volumes[${index}].projected.sources[${position}].serviceAccountToken`;
        into.push(forbiddenField(field, 'must not be specified when serviceAccountName is not set'));
      }
    }
  }
  imagesWithoutPadding(into, 'spec.containers', spec.containers);
  imagesWithoutPadding(into, 'spec.initContainers', spec.initContainers);
}

/** Every problem of a pod as it is, new or not. */
export function validateWholePod(pod: Pod): readonly FieldError[] {
  const into: Problems = [];
  wholePod(into, pod);
  return into;
}

/** Every problem of a new pod. */
export function validatePod(pod: Pod): readonly FieldError[] {
  const into: Problems = [];
  wholePod(into, pod);
  if (pod.spec?.ephemeralContainers?.length) into.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
  if (pod.spec?.nodeName && pod.spec.schedulingGates?.length) {
    into.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return into;
}

/** Every problem of a template of pods. */
export function podTemplate(into: Problems, path: string, template: PodTemplateSpec): void {
  const spec = template.spec ?? EMPTY_SPEC;
  into.push(...validateLabels(template.metadata?.labels, `${path}.labels`));
  into.push(...validateAnnotations(template.metadata?.annotations, `${path}.annotations`));
  podAnnotations(into, `${path}.annotations`, template.metadata?.annotations, spec);
  podSpec(into, `${path}.spec`, spec, { isPod: false });
  if (spec.ephemeralContainers?.length) {
    into.push(forbiddenField(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
}

/** Containers stay as many as they were; true where they did. */
function sameContainers(into: Problems, path: string, next: readonly Container[] = [], old: readonly Container[] = []): boolean {
  if (next.length === old.length) return true;
  into.push(forbiddenField(path, 'pod updates may not add or remove containers'));
  return false;
}

/** A deadline may be set and shortened; true where it was. */
function deadline(into: Problems, next: number | undefined, old: number | undefined): boolean {
  const field = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    if (old !== undefined) into.push(invalidValue(field, null, 'must not update from a positive integer to nil value'));
    return true;
  }
  if (next < 0 || next > MOST_INT32) judge(into, field, next, (value) => isInRange(value, 0, MOST_INT32));
  else if (old !== undefined && old < next) into.push(invalidValue(field, next, 'must be less than or equal to previous value'));
  else return true;
  return false;
}

function addedTolerations(into: Problems, next: readonly Toleration[] = [], old: readonly Toleration[] = []): void {
  const same = (a: Toleration, b: Toleration): boolean => deepEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  if (old.every((one) => next.some((other) => same(one, other)))) tolerations(into, 'spec.tolerations', next);
  else into.push(forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
}

function removedGates(into: Problems, next: PodSpec, old: PodSpec): void {
  for (const [index, { name }] of (next.schedulingGates ?? []).entries()) {
    if (old.schedulingGates?.some((gate) => gate.name === name)) continue;
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`;
    into.push(forbiddenField(`spec.schedulingGates[${index}].name`, detail));
  }
}

const withImages = (next: readonly Container[] = [], old: readonly Container[] = []): readonly Container[] =>
  next.map((container, index) => ({ ...container, image: old[index]?.image ?? '' }));

/** `next` with what may change as it was in `old`. */
function fixedPart(into: Problems, next: PodSpec, old: PodSpec): PodSpec {
  const { activeDeadlineSeconds: _d, schedulingGates: _g, tolerations: _t, ...rest } = next;
  const kept: PodSpec = {
    ...rest,
    containers: withImages(next.containers, old.containers),
    ...(next.initContainers ? { initContainers: withImages(next.initContainers, old.initContainers) } : {}),
    ...(old.activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds: old.activeDeadlineSeconds }),
    ...(old.schedulingGates === undefined ? {} : { schedulingGates: old.schedulingGates }),
    ...(old.tolerations === undefined ? {} : { tolerations: old.tolerations }),
  };
  const grace = old.terminationGracePeriodSeconds;
  const eased: PodSpec =
    grace !== undefined && grace < 0 && next.terminationGracePeriodSeconds === 1 ? { ...kept, terminationGracePeriodSeconds: grace } : kept;
  return old.schedulingGates?.length ? withSelector(into, eased, old) : eased;
}

/** While a pod is gated, its node selector may grow. */
function withSelector(into: Problems, next: PodSpec, old: PodSpec): PodSpec {
  const before = old.nodeSelector ?? {};
  if (Object.entries(before).some(([key, value]) => next.nodeSelector?.[key] !== value)) {
    const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    into.push(invalidValue('spec.nodeSelector', next.nodeSelector ?? {}, detail));
  }
  const { nodeSelector: _s, ...rest } = next;
  return old.nodeSelector === undefined ? rest : { ...rest, nodeSelector: old.nodeSelector };
}

const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** Every problem of a change of a pod: images, the deadline, tolerations and gates may move, within limits. */
export function validatePodUpdate(next: Pod, old: Pod): readonly FieldError[] {
  const into: Problems = [];
  const spec = next.spec ?? EMPTY_SPEC;
  const before = old.spec ?? EMPTY_SPEC;
  wholePod(into, next);
  if (!sameContainers(into, 'spec.containers', spec.containers, before.containers)) return into;
  if (!sameContainers(into, 'spec.initContainers', spec.initContainers, before.initContainers)) return into;
  if (!deadline(into, spec.activeDeadlineSeconds, before.activeDeadlineSeconds)) return into;
  addedTolerations(into, spec.tolerations, before.tolerations);
  removedGates(into, spec, before);
  if (deepEqual(spec, before)) return into;
  const fixed = fixedPart(into, spec, before);
  const was = { ...before, containers: withImages(before.containers, before.containers) };
  if (
    !deepEqual(fixed, before.initContainers ? { ...was, initContainers: withImages(before.initContainers, before.initContainers) } : was)
  ) {
    into.push(forbiddenField('spec', `pod updates may not change fields other than ${UPDATABLE}\n${specDiff(before, fixed)}`));
  }
  return into;
}

/** What ended for good does not run again. */
function transitions(into: Problems, path: string, next: Pod, old: Pod, member: 'containerStatuses' | 'initContainerStatuses'): void {
  const policy = old.spec?.restartPolicy;
  if (policy === 'Always') return;
  const restartable = new Set((old.spec?.initContainers ?? []).filter(isRestartableInitContainer).map(({ name }) => name));
  for (const [index, was] of (old.status?.[member] ?? []).entries()) {
    const ended = was.state?.terminated;
    if (!ended || (ended.exitCode !== 0 && policy === 'OnFailure') || restartable.has(was.name)) continue;
    const runsAgain = (now: ContainerStatus): boolean => now.name === was.name && !now.state?.terminated;
    if (!next.status?.[member]?.some(runsAgain)) continue;
    into.push(forbiddenField(`${path}.${member}[${index}].state`, 'may not be transitioned to non-terminated state'));
  }
}

function addresses(into: Problems, path: string, list: readonly { readonly ip: string }[] | undefined): void {
  const seen = new Set<string>();
  for (const [index, { ip }] of (list ?? []).entries()) {
    into.push(...validateIpOfLegacyField(`${path}[${index}]`, ip));
    unique(into, `${path}[${index}]`, ip, seen);
  }
}

/** Every problem of what a kubelet reports. */
export function validatePodStatusUpdate(next: Pod, old: Pod): readonly FieldError[] {
  const into: Problems = [];
  for (const [index, { type }] of (next.status?.conditions ?? []).entries()) {
    judge(into, `metadata.conditions[${index}].Type`, type, isQualifiedName);
  }
  const nominated = next.status?.nominatedNodeName;
  if (nominated && nominated !== old.status?.nominatedNodeName) {
    judge(into, 'status.nominatedNodeName', nominated, (name) => dnsSubdomainNames(name, false));
  }
  into.push(...validateImmutableField(next.status?.qosClass ?? '', old.status?.qosClass ?? next.status?.qosClass ?? '', 'status.qosClass'));
  transitions(into, 'status', next, old, 'containerStatuses');
  transitions(into, 'status', next, old, 'initContainerStatuses');
  addresses(into, 'status.podIPs', next.status?.podIPs);
  const [first] = next.status?.hostIPs ?? [];
  if (first && first.ip !== next.status?.hostIP) into.push(invalidValue('status.hostIPs[0].ip', first.ip, 'must be equal to `hostIP`'));
  addresses(into, 'status.hostIPs', next.status?.hostIPs);
  return into;
}
