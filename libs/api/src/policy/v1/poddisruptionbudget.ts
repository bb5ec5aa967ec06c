import { invalidValue, validateLabelSelector, type FieldError } from '#libs/apimachinery';
import { atMostAll, numberOrPercent } from '../../apps/v1/workload-validation.js';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { PodDisruptionBudget } from '../../generated/types.js';
import { nonnegative, oneOfIfSet, type Problems } from '../../problems.js';
import { PODDISRUPTIONBUDGETS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { ALL_VERBS, statusOf } from '../../verbs.js';

const NO_STATUS = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } as const;

const shown = (value: number | string | undefined): string => (value === undefined ? 'N/A' : `${value}`);

/** Every problem of a budget. */
function validate({ spec = {} }: PodDisruptionBudget): readonly FieldError[] {
  const into: Problems = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    into.push(invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const member of ['minAvailable', 'maxUnavailable'] as const) {
    numberOrPercent(into, `spec.${member}`, spec[member]);
    atMostAll(into, `spec.${member}`, spec[member]);
  }
  into.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  oneOfIfSet(into, 'spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']);
  return into;
}

function validateStatus({ status = {} }: PodDisruptionBudget): readonly FieldError[] {
  const into: Problems = [];
  for (const member of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) {
    nonnegative(into, `status.${member}`, status[member]);
  }
  return into;
}

export const poddisruptionbudgets: ResourceDefinition<PodDisruptionBudget> = {
  resource: PODDISRUPTIONBUDGETS,
  kind: 'PodDisruptionBudget',
  listKind: 'PodDisruptionBudgetList',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  categories: [],
  scope: 'Namespaced',
  unconditionalUpdate: false,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  stream: 'state',
  subresources: [statusOf('PodDisruptionBudget')],
  fields: {},
  strategy: standardStrategy<PodDisruptionBudget>({
    prepareForCreate: (budget) => withGeneration({ ...budget, status: NO_STATUS }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate,
    validateStatusUpdate: (next) => validateStatus(next),
  }),
  columns: [
    NAME,
    column('Min Available', ({ spec }) => shown(spec?.minAvailable)),
    column('Max Unavailable', ({ spec }) => shown(spec?.maxUnavailable)),
    column('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0, 'integer'),
    AGE,
  ],
};
