import {
  compareQuantities,
  deepEqual,
  dnsLabelNames,
  dnsSubdomainNames,
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  required,
  validateImmutableField,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedObjectReference } from '../../generated/types.js';
import { judge, oneOfIfSet, present, unsupported, type Problems } from '../../problems.js';
import { ACCESS_MODES } from './claims.js';

function dataSource(into: Problems, path: string, { name, kind, apiGroup, namespace }: TypedObjectReference): void {
  present(into, `${path}.name`, name);
  present(into, `${path}.kind`, kind);
  if (apiGroup) judge(into, `${path}.apiGroup`, apiGroup, isDns1123Subdomain);
  else if (kind !== 'PersistentVolumeClaim') {
    into.push(invalidValue(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  if (namespace) judge(into, `${path}.namespace`, namespace, (value) => dnsLabelNames(value, false));
}

/** What a claim asks for, of a claim as of a template of claims. */
export function claimSpec(into: Problems, path: string, spec: PersistentVolumeClaimSpec): void {
  const { accessModes = [], resources, storageClassName } = spec;
  if (accessModes.length === 0) into.push(required(`${path}.accessModes`, 'at least 1 access mode is required'));
  into.push(...validateLabelSelector(spec.selector, `${path}.selector`));
  for (const mode of accessModes) if (!ACCESS_MODES.includes(mode)) into.push(unsupported(`${path}.accessModes`, mode, ACCESS_MODES));
  const known = new Set(accessModes.filter((mode) => ACCESS_MODES.includes(mode)));
  if (known.has('ReadWriteOncePod') && known.size > 1) {
    into.push(forbiddenField(`${path}.accessModes`, 'may not use ReadWriteOncePod with other access modes'));
  }
  const storage = resources?.requests?.['storage'];
  if (storage === undefined) into.push(required(`${path}.resources[storage]`));
  else if (compareQuantities(storage, '0') <= 0)
    into.push(invalidValue(`${path}.resources[storage]`, storage, 'must be greater than zero'));
  if (storageClassName) judge(into, `${path}.storageClassName`, storageClassName, (name) => dnsSubdomainNames(name, false));
  oneOfIfSet(into, `${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']);
  if (spec.dataSource) dataSource(into, `${path}.dataSource`, spec.dataSource);
  if (spec.dataSourceRef) dataSource(into, `${path}.dataSourceRef`, spec.dataSourceRef);
}

/** Every problem of a new claim. */
export function validateClaim({ spec }: PersistentVolumeClaim): readonly FieldError[] {
  const into: Problems = [];
  claimSpec(into, 'spec', spec ?? {});
  return into;
}

const storageOf = (list: Readonly<Record<string, string>> | undefined): string => list?.['storage'] ?? '0';

/** `spec` without what may move: the volume while there is none, the size and class of a bound claim. */
function fixedPart({ spec = {} }: PersistentVolumeClaim, old: PersistentVolumeClaim, bound: boolean): PersistentVolumeClaimSpec {
  const { volumeName, storageClassName, volumeAttributesClassName, resources, ...rest } = spec;
  const { storage: _size, ...requests } = resources?.requests ?? {};
  return {
    ...rest,
    ...(old.spec?.volumeName ? { volumeName: volumeName ?? '' } : {}),
    ...(old.spec?.storageClassName === undefined ? {} : { storageClassName: storageClassName ?? '' }),
    ...(bound ? {} : { volumeAttributesClassName: volumeAttributesClassName ?? '' }),
    resources: bound ? { ...resources, requests } : { ...resources },
  };
}

/** Every problem of a change of a claim: a bound one may grow, little else may move. */
export function validateClaimUpdate(next: PersistentVolumeClaim, old: PersistentVolumeClaim): readonly FieldError[] {
  const into: Problems = [...validateClaim(next)];
  const bound = next.status?.phase === 'Bound';
  if (!deepEqual(fixedPart(next, old, bound), fixedPart(old, old, bound))) {
    const rule = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    into.push(forbiddenField('spec', rule));
  }
  const size = storageOf(next.spec?.resources?.requests);
  const smaller = compareQuantities(size, storageOf(old.spec?.resources?.requests)) < 0;
  if (smaller && compareQuantities(size, storageOf(old.status?.capacity)) <= 0) {
    into.push(forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  into.push(...validateImmutableField(next.spec?.volumeMode, old.spec?.volumeMode, 'volumeMode'));
  return into;
}
