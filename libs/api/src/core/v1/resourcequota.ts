import {
  deepEqual,
  isQualifiedName,
  invalidValue,
  notSupported,
  required,
  validateImmutableField,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceQuota, ResourceQuotaSpec } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { RESOURCEQUOTAS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { resourceAmount } from './resource-validation.js';

/** What a quota may hold besides names with a domain and `count/...`. */
const STANDARD = new Set(
  [
    'cpu memory ephemeral-storage requests.cpu requests.memory requests.storage requests.ephemeral-storage limits.cpu limits.memory',
    'limits.ephemeral-storage pods resourcequotas services replicationcontrollers secrets persistentvolumeclaims configmaps',
    'services.nodeports services.loadbalancers hugepages-2Mi hugepages-1Gi',
  ].flatMap((line) => line.split(' ')),
);
const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
/** The only thing that a quota of pods without requests can count. */
const BEST_EFFORT_RESOURCE = 'pods';

function hard(into: Problems, path: string, amounts: Readonly<Record<string, string>> | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    const field = `${path}[${name}]`;
    judge(into, field, name, isQualifiedName);
    if (!name.includes('/') && !STANDARD.has(name) && !name.startsWith('requests.') && !name.startsWith('hugepages-')) {
      into.push(invalidValue(field, name, 'must be a standard resource for quota'));
    }
    resourceAmount(into, field, name, amount);
  }
}

function scopes(into: Problems, { scopes: plain = [], scopeSelector, hard: amounts = {} }: ResourceQuotaSpec): void {
  const names = Object.keys(amounts);
  const known = new Set(plain);
  for (const scope of plain) {
    if (!SCOPES.includes(scope)) into.push(notSupported('spec.scopes', scope, SCOPES));
    else if (scope === 'BestEffort' && names.some((name) => name !== BEST_EFFORT_RESOURCE)) {
      into.push(invalidValue('spec.scopes', plain, 'unsupported scope applied to resource'));
    }
  }
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const) {
    if (known.has(one) && known.has(other)) into.push(invalidValue('spec.scopes', plain, 'conflicting scopes'));
  }
  const path = 'spec.scopeSelector.matchExpressions';
  for (const { scopeName, operator, values = [] } of scopeSelector?.matchExpressions ?? []) {
    if (!SCOPES.includes(scopeName)) into.push(notSupported(`${path}.scopeName`, scopeName, SCOPES));
    if (!OPERATORS.includes(operator)) into.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
    else if (['In', 'NotIn'].includes(operator) === (values.length === 0)) {
      if (values.length === 0)
        into.push(required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
      else
        into.push(
          invalidValue(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"),
        );
    }
  }
}

function validate({ spec = {} }: ResourceQuota): readonly FieldError[] {
  const into: Problems = [];
  hard(into, 'spec.hard', spec.hard);
  scopes(into, spec);
  return into;
}

function validateUpdate(next: ResourceQuota, old: ResourceQuota): readonly FieldError[] {
  const same = deepEqual([...(next.spec?.scopes ?? [])].sort(), [...(old.spec?.scopes ?? [])].sort());
  return [...validate(next), ...(same ? [] : validateImmutableField(next.spec?.scopes, old.spec?.scopes, 'spec.scopes'))];
}

function validateStatus({ status }: ResourceQuota): readonly FieldError[] {
  const into: Problems = [];
  hard(into, 'status.hard', status?.hard);
  hard(into, 'status.used', status?.used);
  return into;
}

const amounts = ({ spec, status }: ResourceQuota, wanted: (name: string) => boolean): string =>
  Object.keys(spec?.hard ?? {})
    .filter(wanted)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${spec?.hard?.[name] ?? '0'}`)
    .join(', ');
const isLimit = (name: string): boolean => name.startsWith('limits');

export const resourcequotas = kindOf<ResourceQuota>(RESOURCEQUOTAS, 'ResourceQuota', {
  scope: 'Namespaced',
  shortNames: ['quota'],
  subresources: [statusOf('ResourceQuota')],
  strategy: standardStrategy<ResourceQuota>({
    prepareForCreate: (object) => ({ ...object, status: {} }),
    validate,
    validateUpdate,
    validateStatusUpdate: validateStatus,
  }),
  columns: [
    NAME,
    column('Request', (object) => amounts(object, (name) => !isLimit(name))),
    column('Limit', (object) => amounts(object, isLimit)),
    AGE,
  ],
});
