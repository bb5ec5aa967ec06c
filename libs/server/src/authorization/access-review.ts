import type { FieldSelectorAttributes, LabelSelectorAttributes, ResourceAttributes, SubjectAccessReviewSpec } from '#libs/api';
import {
  child,
  forbiddenField,
  invalidValue,
  item,
  parseFieldSelector,
  required,
  validateLabelName,
  type FieldError,
  type FieldRequirement,
  type ObjectMeta,
} from '#libs/apimachinery';
import type { AuthorizerAttributes, User } from './authorizer.js';

/** A review of what somebody may do, as it was sent. */
export interface AccessReview {
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: SubjectAccessReviewSpec;
  /** Of the URL; '' where the kind has none. */
  readonly namespace: string;
}

/** Every problem of a review, in upstream's words (pkg/apis/authorization/validation). */
export function validateAccessReview({ kind, metadata, spec, namespace }: AccessReview): readonly FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  const errors: FieldError[] = [];
  if (resource && path)
    errors.push(invalidValue('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes'));
  if (!resource && !path) {
    errors.push(
      invalidValue('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    );
  }
  if (kind !== 'SelfSubjectAccessReview' && !spec.user && (spec.groups ?? []).length === 0) {
    errors.push(invalidValue('spec.user', spec.user ?? '', 'at least one of user or group must be specified'));
  }
  if (resource) errors.push(...validateSelectors(resource, 'spec.resourceAttributes'));
  const local = kind === 'LocalSubjectAccessReview';
  const { managedFields: _, namespace: placed, ...rest } = metadata;
  if (Object.keys(local || placed === undefined ? rest : { ...rest, placed }).length > 0) {
    errors.push(invalidValue('metadata', metadata, local ? 'must be empty except for namespace' : 'must be empty'));
  }
  if (!local) return errors;
  if (resource && (resource.namespace ?? '') !== namespace) {
    errors.push(invalidValue('spec.resourceAttributes.namespace', resource.namespace ?? '', 'must match metadata.namespace'));
  }
  if (path) errors.push(invalidValue('spec.nonResourceAttributes', path, 'disallowed on this kind of request'));
  return errors;
}

function validateSelectors({ fieldSelector, labelSelector }: ResourceAttributes, at: string): readonly FieldError[] {
  return [
    ...validateSelector(fieldSelector, child(at, 'fieldSelector'), (key, where) =>
      key === '' ? [required(where, 'must be specified')] : [],
    ),
    ...validateSelector(labelSelector, child(at, 'labelSelector'), validateLabelName),
  ];
}

function validateSelector(
  selector: FieldSelectorAttributes | LabelSelectorAttributes | undefined,
  at: string,
  validateKey: (key: string, at: string) => readonly FieldError[],
): readonly FieldError[] {
  if (!selector) return [];
  const { rawSelector = '', requirements = [] } = selector;
  const errors: FieldError[] = [];
  if (rawSelector !== '' && requirements.length > 0) {
    errors.push(invalidValue(child(at, 'rawSelector'), rawSelector, 'may not specified at the same time as requirements'));
  }
  if (rawSelector === '' && requirements.length === 0) {
    errors.push(required(child(at, 'requirements'), `when ${at} is specified, requirements or rawSelector is required`));
  }
  for (const [i, { key, operator, values = [] }] of requirements.entries()) {
    const here = item(child(at, 'requirements'), i);
    // An operator that is not known is no error here: newer clients may know more.
    if (['In', 'NotIn'].includes(operator) && values.length === 0) {
      errors.push(required(child(here, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if (['Exists', 'DoesNotExist'].includes(operator) && values.length > 0) {
      errors.push(forbiddenField(child(here, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
    errors.push(...validateKey(key, child(here, 'key')));
  }
  return errors;
}

/** What the authorizer is asked for a review. `*` is written as it is: it asks for all. */
export function reviewedAttributes({ spec }: AccessReview, user: User): AuthorizerAttributes {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (resource === undefined) return { kind: 'path', user, verb: path?.verb ?? '', path: path?.path ?? '' };
  const fields = fieldRequirements(resource.fieldSelector);
  return {
    kind: 'resource',
    user,
    verb: resource.verb ?? '',
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
    ...(fields.length === 0 ? {} : { fields }),
  };
}

/** What of a field selector an authorizer can use: what it can't read narrows nothing. */
function fieldRequirements(selector: FieldSelectorAttributes | undefined): readonly FieldRequirement[] {
  if (!selector) return [];
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '') return readFields(rawSelector);
  return requirements.flatMap(({ key, operator, values = [] }): readonly FieldRequirement[] => {
    const [value] = values;
    if (values.length !== 1 || value === undefined) return [];
    if (operator === 'In') return [{ field: key, operator: '=', value }];
    return operator === 'NotIn' ? [{ field: key, operator: '!=', value }] : [];
  });
}

/** The conditions of a `fieldSelector` parameter; none where it can't be read: that is for others to refuse. */
export function readFields(text: string): readonly FieldRequirement[] {
  try {
    return parseFieldSelector(text);
  } catch {
    return [];
  }
}

/** The user whom a review is about. */
export function reviewedUser({ user = '', uid = '', groups = [], extra }: SubjectAccessReviewSpec): User {
  return {
    name: user,
    ...(uid === '' ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra: extra as Readonly<Record<string, readonly string[]>> }),
  };
}
