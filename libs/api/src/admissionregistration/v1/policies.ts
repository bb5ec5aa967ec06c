import { BOOL, NULL, STRING } from '#libs/cel';
import { duplicate, invalidValue, isQualifiedName, required, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicySpec,
  Mutation,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicySpec,
  Validation,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, oneOfIfSet, unsupported, type Problems } from '../../problems.js';
import { MUTATINGADMISSIONPOLICIES, VALIDATINGADMISSIONPOLICIES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { APPLY_CONFIGURATION_TYPE, JSON_PATCHES_TYPE, type ExpressionScope } from '../expressions.js';
import { validateExpression, validateMatchConditions, validateVariables } from './conditions.js';
import { FAILURE_POLICIES, matchDefaults, validateMatchResources } from './rules.js';

type Spec = Pick<ValidatingAdmissionPolicySpec, 'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'>;

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const MOST_ANNOTATIONS = 20;
const EITHER = 'validations or auditAnnotations must contain at least one item';

const specDefaults = <T extends Spec>(sent: T): T =>
  fill<Spec>(
    within(sent as Spec, 'matchConstraints', (match) => matchDefaults(match)),
    { failurePolicy: 'Fail' },
  ) as T;

function validateParamKind(into: Problems, path: string, { apiVersion, kind }: ParamKind): void {
  if (!apiVersion) into.push(required(`${path}.apiVersion`));
  else if (apiVersion.split('/').length > 2)
    into.push(invalidValue(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  if (!kind) into.push(required(`${path}.kind`));
}

/** What both kinds of policies have; gives what their own expressions may name. */
function validateSpec(into: Problems, spec: Spec): ExpressionScope {
  const scope: ExpressionScope = { params: spec.paramKind !== undefined };
  if (spec.failurePolicy === undefined) into.push(required('spec.failurePolicy'));
  else oneOfIfSet(into, 'spec.failurePolicy', spec.failurePolicy, FAILURE_POLICIES);
  if (spec.paramKind) validateParamKind(into, 'spec.paramKind', spec.paramKind);
  const match: MatchResources | undefined = spec.matchConstraints;
  if (!match) into.push(required('spec.matchConstraints'));
  else {
    validateMatchResources(into, 'spec.matchConstraints', match);
    if ((match.resourceRules ?? []).length === 0) into.push(required('spec.matchConstraints.resourceRules'));
  }
  validateMatchConditions(into, 'spec.matchConditions', spec.matchConditions, scope);
  return { ...scope, variables: validateVariables(into, 'spec.variables', spec.variables, scope) };
}

const hasNewlines = (text: string): boolean => /[\r\n]/.test(text);

function validateValidation(into: Problems, path: string, validation: Validation, scope: ExpressionScope): void {
  const { expression, message = '', messageExpression = '', reason } = validation;
  validateExpression(into, `${path}.expression`, expression, scope, [BOOL], 'expression is not specified');
  if (messageExpression !== '' && messageExpression.trim() === '') {
    into.push(invalidValue(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  } else if (messageExpression !== '')
    validateExpression(into, `${path}.messageExpression`, messageExpression, { ...scope, authorizer: false }, [STRING]);
  if (message !== '' && message.trim() === '')
    into.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'));
  else if (hasNewlines(message.trim())) into.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'));
  else if (hasNewlines((expression ?? '').trim()) && message.trim() === '') {
    into.push(required(`${path}.message`, 'message must be specified if expression contains line breaks'));
  }
  if (reason !== undefined && !REASONS.includes(reason)) into.push(unsupported(`${path}.reason`, reason, REASONS));
}

function validateAnnotations(into: Problems, annotations: readonly AuditAnnotation[], scope: ExpressionScope): void {
  if (annotations.length > MOST_ANNOTATIONS) {
    into.push(invalidValue('spec.auditAnnotations', annotations, `must not have more than ${MOST_ANNOTATIONS} auditAnnotations`));
  }
  const seen = new Set<string>();
  annotations.forEach(({ key, valueExpression }, i) => {
    const path = `spec.auditAnnotations[${i}]`;
    if (!key) into.push(required(`${path}.key`));
    else judge(into, `${path}.key`, key, isQualifiedName);
    validateExpression(
      into,
      `${path}.valueExpression`,
      valueExpression,
      { ...scope, authorizer: false },
      [STRING, NULL],
      'valueExpression is not specified',
    );
    if (key && seen.has(key)) into.push(duplicate(`${path}.key`, key));
    seen.add(key ?? '');
  });
}

function validateValidating({ spec = {} }: ValidatingAdmissionPolicy): readonly FieldError[] {
  const into: Problems = [];
  const scope = validateSpec(into, spec);
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    into.push(required('spec.validations', EITHER), required('spec.auditAnnotations', EITHER));
  }
  validations.forEach((validation, i) => validateValidation(into, `spec.validations[${i}]`, validation, scope));
  validateAnnotations(into, auditAnnotations, scope);
  return into;
}

function validateMutation(into: Problems, path: string, mutation: Mutation, scope: ExpressionScope): void {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  const patches = { ...scope, patches: true };
  oneOf(into, `${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch']);
  if (patchType === 'ApplyConfiguration') {
    if (jsonPatch) into.push(invalidValue(`${path}.jsonPatch`, '{jsonPatch}', 'must be null when patchType is "ApplyConfiguration"'));
    if (!applyConfiguration)
      return void into.push(required(`${path}.applyConfiguration`, 'must be specified when patchType is "ApplyConfiguration"'));
    const at = `${path}.applyConfiguration.expression`;
    validateExpression(into, at, applyConfiguration.expression, patches, [APPLY_CONFIGURATION_TYPE], 'expression is not specified');
  }
  if (patchType === 'JSONPatch') {
    if (applyConfiguration)
      into.push(invalidValue(`${path}.applyConfiguration`, '{applyConfiguration}', 'must be null when patchType is "JSONPatch"'));
    if (!jsonPatch) return void into.push(required(`${path}.jsonPatch`, 'must be specified when patchType is "JSONPatch"'));
    validateExpression(
      into,
      `${path}.jsonPatch.expression`,
      jsonPatch.expression,
      patches,
      [JSON_PATCHES_TYPE],
      'expression is not specified',
    );
  }
}

function validateMutating({ spec = {} }: MutatingAdmissionPolicy): readonly FieldError[] {
  const into: Problems = [];
  const scope = validateSpec(into, spec);
  const { mutations = [], reinvocationPolicy } = spec;
  if (mutations.length === 0) into.push(required('spec.mutations', 'mutations must contain at least one item'));
  mutations.forEach((mutation, i) => validateMutation(into, `spec.mutations[${i}]`, mutation, scope));
  oneOf(into, 'spec.reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never']);
  return into;
}

const paramKind = (kind: ParamKind | undefined): string => (kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>');

export const validatingadmissionpolicies = kindOf<ValidatingAdmissionPolicy>(VALIDATINGADMISSIONPOLICIES, 'ValidatingAdmissionPolicy', {
  scope: 'Cluster',
  categories: ['api-extensions'],
  subresources: [statusOf('ValidatingAdmissionPolicy')],
  strategy: standardStrategy<ValidatingAdmissionPolicy>({
    defaults: (object) => within(object, 'spec', (spec) => specDefaults<ValidatingAdmissionPolicySpec>(spec)),
    prepareForCreate: ({ status: _dropped, ...object }) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration({ ...next, ...(old.status ? { status: old.status } : {}) }, old),
    validate: validateValidating,
  }),
  columns: [
    NAME,
    column('Validations', ({ spec }) => spec?.validations?.length ?? 0, 'integer'),
    column('ParamKind', ({ spec }) => paramKind(spec?.paramKind)),
    AGE,
  ],
});

export const mutatingadmissionpolicies = kindOf<MutatingAdmissionPolicy>(MUTATINGADMISSIONPOLICIES, 'MutatingAdmissionPolicy', {
  scope: 'Cluster',
  categories: ['api-extensions'],
  strategy: standardStrategy<MutatingAdmissionPolicy>({
    defaults: (object) => within(object, 'spec', (spec) => specDefaults<MutatingAdmissionPolicySpec>(spec)),
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate: validateMutating,
  }),
  columns: [
    NAME,
    column('Mutations', ({ spec }) => spec?.mutations?.length ?? 0, 'integer'),
    column('ParamKind', ({ spec }) => paramKind(spec?.paramKind)),
    AGE,
  ],
});
