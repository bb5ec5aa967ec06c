import {
  CUSTOM_RESOURCE_CLEANUP_FINALIZER,
  CUSTOMRESOURCEDEFINITIONS,
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  type CustomResourceDefinitionNames,
} from '#libs/api';
import {
  deepEqual,
  type Change,
  type FieldError,
  type GroupVersionResource,
  type Instant,
  type KubeObject,
  type Reconcile,
} from '#libs/apimachinery';
import { approvalOf, conditionOf, isProtectedGroup, validateStructural } from '#libs/custom-resources';
import { withCondition } from '../conditions.js';

/** Most objects deleted in one pass over a definition. */
const MOST_DELETIONS = 500;

export interface DefinitionSnapshot {
  readonly crd: CustomResourceDefinition;
  /** The other definitions of its group. */
  readonly others: readonly CustomResourceDefinition[];
  readonly resource: GroupVersionResource;
  /** Its objects, where it is being deleted. */
  readonly instances: readonly KubeObject[];
}

/** Gives a definition the names that nobody else has, establishes it, and lets it go once its objects are gone. */
export const reconcileDefinition: Reconcile<DefinitionSnapshot> = (snapshot, now) => {
  const { crd, others } = snapshot;
  if (crd.metadata.deletionTimestamp !== undefined) return { changes: finalized(snapshot, now) };
  const { names, accepted } = namesOf(crd, others);
  const conditions = [accepted, established(crd, accepted), ...structure(crd), ...approval(crd)].reduce<
    readonly CustomResourceDefinitionCondition[]
  >((all, next) => bring(all, next, now), keptConditions(crd));
  return { changes: statusChange(crd, conditions, names) };
};

/** The conditions as they are, without one that no longer has a reason. */
function keptConditions(crd: CustomResourceDefinition): readonly CustomResourceDefinitionCondition[] {
  const conditions = crd.status?.conditions ?? [];
  const gone = new Set<string>();
  if (structure(crd).length === 0) gone.add('NonStructuralSchema');
  if (approval(crd).length === 0) gone.add('KubernetesAPIApprovalPolicyConformant');
  return conditions.filter(({ type }) => !gone.has(type));
}

/** One condition brought up to date; one that says the same stays as it is. */
function bring(
  conditions: readonly CustomResourceDefinitionCondition[],
  next: CustomResourceDefinitionCondition,
  now: Instant,
): readonly CustomResourceDefinitionCondition[] {
  const old = conditions.find(({ type }) => type === next.type);
  if (old?.status === next.status && old.reason === next.reason && old.message === next.message) return conditions;
  return withCondition(conditions, next, now);
}

function statusChange(
  crd: CustomResourceDefinition,
  conditions: readonly CustomResourceDefinitionCondition[],
  names: CustomResourceDefinitionNames,
): readonly Change[] {
  const status = { ...crd.status, conditions, acceptedNames: names };
  if (deepEqual(status, crd.status)) return [];
  return [{ verb: 'update', resource: CUSTOMRESOURCEDEFINITIONS, subresource: 'status', object: { ...crd, status } as KubeObject }];
}

interface Names {
  readonly names: CustomResourceDefinitionNames;
  readonly accepted: CustomResourceDefinitionCondition;
}

const NO_NAMES: CustomResourceDefinitionNames = { plural: '', kind: '' };

/** Which of the wanted names are free, or the definition's own already (`naming_controller.go`). */
function namesOf(crd: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): Names {
  const wanted = crd.spec.names;
  const held = crd.status?.acceptedNames ?? NO_NAMES;
  const taken = others.map(({ status }) => status?.acceptedNames ?? NO_NAMES);
  const resources = new Set(taken.flatMap(({ plural, singular = '', shortNames = [] }) => [plural, singular, ...shortNames]));
  const kinds = new Set(taken.flatMap(({ kind, listKind = '' }) => [kind, listKind]));
  let conflict: { readonly reason: string; readonly message: string } | undefined;
  const next: Record<string, unknown> = { ...held };
  const claim = (member: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: ReadonlySet<string>): void => {
    const name = wanted[member] ?? '';
    if (name !== (held[member] ?? '') && used.has(name)) conflict = { reason, message: `${JSON.stringify(name)} is already in use` };
    else if (name !== '') next[member] = name;
  };
  claim('plural', 'PluralConflict', resources);
  claim('singular', 'SingularConflict', resources);
  const used = (wanted.shortNames ?? []).filter((name) => !held.shortNames?.includes(name) && resources.has(name));
  if (used.length > 0) {
    const sentences = used.map((name) => `${JSON.stringify(name)} is already in use`);
    conflict = { reason: 'ShortNamesConflict', message: sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]` };
  } else next['shortNames'] = wanted.shortNames;
  claim('kind', 'KindConflict', kinds);
  claim('listKind', 'ListKindConflict', kinds);
  next['categories'] = wanted.categories;
  const names = Object.fromEntries(
    Object.entries(next).filter(([, value]) => value !== undefined),
  ) as unknown as CustomResourceDefinitionNames;
  const accepted = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  return { names, accepted };
}

/** What was established once stays so: its objects are there. */
function established(crd: CustomResourceDefinition, accepted: CustomResourceDefinitionCondition): CustomResourceDefinitionCondition {
  const old = conditionOf(crd, 'Established');
  if (old?.status === 'True') return old;
  if (accepted.status !== 'True') {
    return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  }
  return { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
}

const sentence = ({ field, message }: FieldError): string => `${field}: ${message}`;

function structure({ spec }: CustomResourceDefinition): readonly CustomResourceDefinitionCondition[] {
  const errors = spec.versions.flatMap(({ schema }, index) =>
    schema?.openAPIV3Schema ? validateStructural(schema.openAPIV3Schema, `spec.versions[${index}].schema.openAPIV3Schema`) : [],
  );
  if (errors.length === 0) return [];
  const message = errors.length === 1 && errors[0] ? sentence(errors[0]) : `[${errors.map(sentence).join(', ')}]`;
  return [{ type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message }];
}

const APPROVALS = {
  Approved: { status: 'True', reason: 'ApprovedAnnotation' },
  Bypassed: { status: 'False', reason: 'UnapprovedAnnotation' },
  Invalid: { status: 'False', reason: 'InvalidAnnotation' },
  Missing: { status: 'False', reason: 'MissingAnnotation' },
} as const;

function approval({ spec, metadata }: CustomResourceDefinition): readonly CustomResourceDefinitionCondition[] {
  if (!isProtectedGroup(spec.group)) return [];
  const { state, reason: message } = approvalOf(metadata);
  return [{ type: 'KubernetesAPIApprovalPolicyConformant', ...APPROVALS[state], message }];
}

/** The objects of a definition that is being deleted go first (`crd_finalizer.go`). */
function finalized({ crd, resource, instances }: DefinitionSnapshot, now: Instant): readonly Change[] {
  const { finalizers = [], ...metadata } = crd.metadata;
  if (!finalizers.includes(CUSTOM_RESOURCE_CLEANUP_FINALIZER)) return [];
  const names = crd.status?.acceptedNames ?? NO_NAMES;
  const before = crd.status?.conditions ?? [];
  if (instances.length > 0) {
    const progress = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionInProgress',
      message: 'CustomResource deletion is in progress',
    };
    return [...deletions(resource, instances), ...statusChange(crd, bring(before, progress, now), names)];
  }
  const done = { type: 'Terminating', status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' };
  const left = finalizers.filter((name) => name !== CUSTOM_RESOURCE_CLEANUP_FINALIZER);
  const freed = { ...crd, metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata };
  return statusChange(freed, bring(before, done, now), names);
}

const deletions = (resource: GroupVersionResource, instances: readonly KubeObject[]): readonly Change[] =>
  instances
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .slice(0, MOST_DELETIONS)
    .map(({ metadata: { name = '', namespace, uid = '' } }): Change => ({
      verb: 'delete',
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      name,
      preconditions: { uid },
    }));
