import {
  deepEqual,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  labelSelectorOf,
  required,
  validateAnnotations,
  validateLabels,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { claimSpec } from '../../core/v1/claim-validation.js';
import { podTemplate } from '../../core/v1/pod-validation.js';
import type {
  PodTemplateSpec,
  StatefulSet,
  StatefulSetPersistentVolumeClaimRetentionPolicy,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
  Volume,
} from '../../generated/types.js';
import { judge, nonnegative, unsupported, type Problems } from '../../problems.js';
import { atMostAll, collisions, isNone, numberOrPercent, restartsAlways } from './workload-validation.js';

/** What an update leaves alone: it can't move, so what is wrong with it can't be put right. */
interface Tolerated {
  readonly claims: boolean;
  readonly serviceName: boolean;
  readonly template: boolean;
}

const NOTHING: Tolerated = { claims: false, serviceName: false, template: false };
const POLICIES = ['Retain', 'Delete'];

function updateStrategy(into: Problems, path: string, strategy: StatefulSetUpdateStrategy): void {
  const { type = '', rollingUpdate } = strategy;
  if (type === '') into.push(required(path));
  else if (type === 'OnDelete') {
    if (rollingUpdate) {
      into.push(invalidValue(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
    }
  } else if (type !== 'RollingUpdate') into.push(invalidValue(path, strategy, "must be 'RollingUpdate' or 'OnDelete'"));
  else if (rollingUpdate) {
    const { partition, maxUnavailable } = rollingUpdate;
    nonnegative(into, `${path}.rollingUpdate.partition`, partition);
    if (maxUnavailable === undefined) return;
    const field = `${path}.rollingUpdate.maxUnavailable`;
    numberOrPercent(into, field, maxUnavailable);
    if (isNone(maxUnavailable)) into.push(invalidValue(field, maxUnavailable, 'cannot be 0'));
    atMostAll(into, field, maxUnavailable);
  }
}

function retention(into: Problems, path: string, policy: StatefulSetPersistentVolumeClaimRetentionPolicy): void {
  for (const member of ['whenDeleted', 'whenScaled'] as const) {
    const value = policy[member] ?? '';
    if (!POLICIES.includes(value)) into.push(unsupported(`${path}.${member}`, value, POLICIES));
  }
}

/** The template as its pods will be: names and claims of each come from the StatefulSet, whatever the template says. */
function asRun({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const { hostname: _name, subdomain: _service, ...spec } = template.spec ?? { containers: [] };
  if (volumeClaimTemplates.length === 0) return { ...template, spec };
  const claimed = new Map(
    volumeClaimTemplates.map(({ metadata: { name = '' } }): [string, Volume] => [
      name,
      { name, persistentVolumeClaim: { claimName: name } },
    ]),
  );
  const volumes = [...claimed.values(), ...(spec.volumes ?? []).filter(({ name }) => !claimed.has(name))];
  return { ...template, spec: { ...spec, volumes } };
}

function selectorAndTemplate(into: Problems, spec: StatefulSetSpec, tolerated: Tolerated): void {
  const { selector } = spec;
  const problems = validateLabelSelector(selector, 'spec.selector');
  if (!selector) into.push(required('spec.selector'));
  else {
    into.push(...problems);
    if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0) {
      into.push(invalidValue('spec.selector', selector, 'empty selector is invalid for statefulset'));
    }
  }
  if (problems.length > 0) return void into.push(invalidValue('spec.selector', selector, ''));
  const template = asRun(spec);
  const labels = template.metadata?.labels;
  if (!labelSelectorOf(selector).matches(labels ?? {})) {
    into.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  if (!tolerated.template) podTemplate(into, 'spec.template', template);
  into.push(...validateLabels(labels, 'spec.template.labels'));
  into.push(...validateAnnotations(template.metadata?.annotations, 'spec.template.annotations'));
}

function specProblems(spec: StatefulSetSpec, tolerated: Tolerated): readonly FieldError[] {
  const into: Problems = [];
  const { podManagementPolicy = '', volumeClaimTemplates = [], serviceName = '' } = spec;
  if (podManagementPolicy === '') into.push(required('spec.podManagementPolicy'));
  else if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel') {
    into.push(invalidValue('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  }
  updateStrategy(into, 'spec.updateStrategy', spec.updateStrategy ?? {});
  const policy = spec.persistentVolumeClaimRetentionPolicy;
  if (policy) retention(into, 'spec.persistentVolumeClaimRetentionPolicy', policy);
  if (!tolerated.claims) {
    for (const [index, claim] of volumeClaimTemplates.entries()) {
      claimSpec(into, `spec.volumeClaimTemplates[${index}].spec`, claim.spec ?? {});
    }
  }
  nonnegative(into, 'spec.replicas', spec.replicas);
  nonnegative(into, 'spec.minReadySeconds', spec.minReadySeconds);
  nonnegative(into, 'spec.ordinals.start', spec.ordinals?.start);
  if (!tolerated.serviceName && serviceName !== '') judge(into, 'spec.serviceName', serviceName, isDns1123Label);
  selectorAndTemplate(into, spec, tolerated);
  restartsAlways(into, 'spec.template.spec', spec.template, 'StatefulSet');
  return into;
}

const EMPTY: StatefulSetSpec = { template: {} };

/** Every problem of a new StatefulSet. */
export const validateStatefulSet = ({ spec = EMPTY }: StatefulSet): readonly FieldError[] => specProblems(spec, NOTHING);

const MOVABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

const FORBIDDEN =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', " +
  "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function fixedPart(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<Record<keyof StatefulSetSpec, unknown>> = { ...spec };
  for (const member of MOVABLE) delete rest[member];
  return rest as Partial<StatefulSetSpec>;
}

/** Every problem of a change: how many pods there are and how they look may move, which they are may not. */
export function validateStatefulSetUpdate({ spec = EMPTY }: StatefulSet, old: StatefulSet): readonly FieldError[] {
  const before = old.spec ?? EMPTY;
  const tolerated = { claims: true, serviceName: true, template: false };
  const template = specProblems(before, tolerated).length > 0;
  const problems = specProblems(spec, { ...tolerated, template });
  return deepEqual(fixedPart(spec), fixedPart(before)) ? problems : [...problems, forbiddenField('spec', FORBIDDEN)];
}

const COUNTS = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration'] as const;
const PARTS = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;

/** Every problem of a StatefulSet's counts. */
export function validateStatefulSetStatus({ status }: StatefulSet, old: StatefulSet): readonly FieldError[] {
  const into: Problems = [];
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {};
  for (const name of COUNTS) nonnegative(into, `status.${name}`, status?.[name]);
  nonnegative(into, 'status.collisionCount', status?.collisionCount);
  for (const name of PARTS) {
    const count = status?.[name] ?? 0;
    if (count > replicas) into.push(invalidValue(`status.${name}`, count, 'cannot be greater than status.replicas'));
  }
  if (availableReplicas > readyReplicas) {
    into.push(invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas'));
  }
  collisions(into, status?.collisionCount, old.status?.collisionCount);
  return into;
}
