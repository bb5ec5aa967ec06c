import {
  CRONJOBS,
  DAEMONSETS,
  DEPLOYMENTS,
  JOBS,
  NAMESPACES,
  PODS,
  PODTEMPLATES,
  REPLICASETS,
  REPLICATIONCONTROLLERS,
  STATEFULSETS,
} from '#libs/api';
import type { CronJob, Deployment, Namespace, Pod, PodSpec, PodTemplate, PodTemplateSpec } from '#libs/api';
import { forbidden, invalid, type GroupVersionResource, type KubeObject, type ObjectMeta } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import { isAbout } from '../about.js';
import type { Attributes, ValidatingPlugin, Verdict } from '../plugin.js';
import { containersOf, type AnyContainer } from './containers.js';
import { printedViolations, violationsOf } from './evaluate.js';
import { isStricter, policyOf, printedPolicy, type LevelVersion } from './policy.js';
import { SECCOMP_CONTAINER, SECCOMP_POD } from './baseline.js';

/** Most pods of a namespace that a new policy is tried on. */
const MOST_PODS = 3000;
/** Of a pod's subresources, those that can't make it another pod. */
const HARMLESS = new Set(['binding', 'eviction', 'status']);

interface PodLike {
  readonly spec: PodSpec;
  readonly metadata: ObjectMeta;
}

const fromTemplate = (template: PodTemplateSpec | undefined): PodLike | undefined =>
  template?.spec && { spec: template.spec, metadata: template.metadata ?? {} };

/** Kinds that hold a pod, and where. */
const TEMPLATES: readonly (readonly [GroupVersionResource, (object: KubeObject) => PodLike | undefined])[] = [
  [PODTEMPLATES, (object) => fromTemplate((object as PodTemplate).template)],
  [CRONJOBS, (object) => fromTemplate((object as CronJob).spec?.jobTemplate.spec?.template)],
  ...[REPLICATIONCONTROLLERS, REPLICASETS, DEPLOYMENTS, STATEFULSETS, DAEMONSETS, JOBS].map(
    (resource) => [resource, (object: KubeObject) => fromTemplate((object as Deployment).spec?.template)] as const,
  ),
];

const sayOf = (name: string, others: number, what: string): string => {
  if (others === 0) return `${name}: ${what}`;
  return `${name} (and ${others === 1 ? '1 other pod' : `${others} other pods`}): ${what}`;
};

/** What those say who are in a namespace already, once it becomes stricter. */
function warningsOfPods(namespace: string, enforce: LevelVersion, { read }: Case): readonly string[] {
  const all = read.list(PODS, namespace) as readonly Pod[];
  const said = new Map<string, string[]>();
  for (const { metadata, spec } of all.slice(0, MOST_PODS)) {
    const reasons = spec ? violationsOf(enforce, spec, metadata).map(({ reason }) => reason) : [];
    if (reasons.length === 0) continue;
    const what = reasons.join(', ');
    const names = said.get(what);
    if (names) names.push(metadata.name ?? '');
    else said.set(what, [metadata.name ?? '']);
  }
  const few = `new PodSecurity enforce level only checked against the first ${MOST_PODS} of ${all.length} existing pods`;
  const some = `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${printedPolicy(enforce)}"`;
  const lines = [...said].map(([what, names]) => sayOf([...names].sort()[0] ?? '', names.length - 1, what)).sort();
  return [...(all.length > MOST_PODS ? [few] : []), ...(lines.length > 0 ? [some] : []), ...lines];
}

const textOf = (wrong: ReturnType<typeof policyOf>['wrong']): string => wrong.map(({ field, message }) => `${field}: ${message}`).join();

function admitNamespace(next: Namespace, old: Namespace | undefined, given: Case): Verdict | undefined {
  const { policy, wrong } = policyOf(next.metadata.labels);
  const before = policyOf(old?.metadata.labels);
  const name = next.metadata.name ?? '';
  if (wrong.length > 0 && (!old || textOf(wrong) !== textOf(before.wrong))) throw invalid('', 'Namespace', name, wrong);
  if (!old || policy.enforce.level === 'privileged') return undefined;
  const was = before.policy.enforce;
  const { enforce } = policy;
  if (enforce.minor === was.minor && !isStricter(enforce.level, was.level)) return undefined;
  return { warnings: warningsOfPods(name, enforce, given) };
}

/** Whether an update can make a pod violate what it did not: other images, containers or profiles. */
function isSignificant(next: Pod, old: Pod): boolean {
  const [annotations = {}, before = {}] = [next.metadata.annotations, old.metadata.annotations];
  const differs = (key: string): boolean => annotations[key] !== before[key];
  if (differs(SECCOMP_POD) || !next.spec || !old.spec) return true;
  const known = new Map<string, AnyContainer>(containersOf(old.spec).map((container) => [container.name, container]));
  return containersOf(next.spec).some(({ name, image }) => known.get(name)?.image !== image || differs(SECCOMP_CONTAINER + name));
}

const would = (policy: LevelVersion, violations: ReturnType<typeof violationsOf>): string =>
  `would violate PodSecurity "${printedPolicy(policy)}": ${printedViolations(violations)}`;

const ANNOTATION = 'pod-security.kubernetes.io/';

/**
 * Refuses what the namespace enforces, where it is a pod itself; warns of what the namespace warns of, and notes what it
 * audits. What enforces nothing is not noted: there would be an annotation for every pod.
 */
function admitPod(pod: PodLike, isPod: boolean, { namespace, name }: Attributes, given: Case): Verdict | undefined {
  const found = given.read.object(NAMESPACES, '', namespace)?.object;
  const { enforce, audit, warn } = policyOf(found?.metadata.labels).policy;
  if (isPod && enforce.level !== 'privileged') given.notes.annotate(`${ANNOTATION}enforce-policy`, printedPolicy(enforce));
  const wrong = isPod ? violationsOf(enforce, pod.spec, pod.metadata) : [];
  const noted = violationsOf(audit, pod.spec, pod.metadata);
  if (noted.length > 0) given.notes.annotate(`${ANNOTATION}audit-violations`, would(audit, noted));
  if (wrong.length > 0) {
    throw forbidden(given.definition.resource, name, `violates PodSecurity "${printedPolicy(enforce)}": ${printedViolations(wrong)}`);
  }
  const told = violationsOf(warn, pod.spec, pod.metadata);
  if (told.length === 0) return undefined;
  return { warnings: [would(warn, told)] };
}

/** PodSecurity: pods keep to the standard that their namespace's labels name (k8s.io/pod-security-admission). Nobody is exempt. */
export const podSecurity: ValidatingPlugin = {
  name: 'PodSecurity',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, given) {
    const { object, old, subresource } = attributes;
    if (object === undefined) return undefined;
    if (isAbout(given, attributes, NAMESPACES)) return admitNamespace(object as Namespace, old as Namespace | undefined, given);
    if (isAbout(given, attributes, PODS, subresource)) {
      const pod = object as Pod;
      if (HARMLESS.has(subresource) || !pod.spec || (old && !isSignificant(pod, old as Pod))) return undefined;
      return admitPod({ spec: pod.spec, metadata: pod.metadata }, true, attributes, given);
    }
    const template = TEMPLATES.find(([resource]) => isAbout(given, attributes, resource))?.[1](object);
    return template && admitPod(template, false, attributes, given);
  },
};
