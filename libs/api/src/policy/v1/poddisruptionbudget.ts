import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { PodDisruptionBudget } from '../../generated/types.js';
import { PODDISRUPTIONBUDGETS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { ALL_VERBS, statusOf } from '../../verbs.js';

const NO_STATUS = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } as const;

const numberOrPercent = (value: number | string | undefined): string => (value === undefined ? 'N/A' : `${value}`);

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
  }),
  columns: [
    NAME,
    column('Min Available', ({ spec }) => numberOrPercent(spec?.minAvailable)),
    column('Max Unavailable', ({ spec }) => numberOrPercent(spec?.maxUnavailable)),
    column('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0, 'integer'),
    AGE,
  ],
};
