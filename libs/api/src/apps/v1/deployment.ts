import { deepEqual } from '#libs/apimachinery';
import { AGE, NAME, column, listed, selectorText, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { fill, within } from '../../defaulting.js';
import { workloadWarnings } from '../../core/v1/pod-warnings.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Deployment, DeploymentSpec, DeploymentStrategy } from '../../generated/types.js';
import { DEPLOYMENTS } from '../../resources.js';
import { specChanged, standardStrategy, withGeneration } from '../../strategy.js';
import { ALL_VERBS, SCALE, statusOf } from '../../verbs.js';

import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-validation.js';

const SPEC = { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 } as const;
const ROLLING_UPDATE = { maxUnavailable: '25%', maxSurge: '25%' } as const;

function strategyDefaults(sent: DeploymentStrategy): DeploymentStrategy {
  const strategy = fill(sent, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return strategy;
  return within(fill(strategy, { rollingUpdate: ROLLING_UPDATE }), 'rollingUpdate', (update) => fill(update, ROLLING_UPDATE));
}

const specDefaults = (spec: DeploymentSpec): DeploymentSpec =>
  within(within(fill(fill(spec, SPEC), { strategy: {} }), 'strategy', strategyDefaults), 'template', templateDefaults);

/** Annotations are copied to ReplicaSets, so a change of them counts as one of spec does. */
const counted = (next: Deployment, old: Deployment): Deployment =>
  withGeneration(next, old, specChanged(next, old) || !deepEqual(next.metadata.annotations ?? {}, old.metadata.annotations ?? {}));

export const deployments: ResourceDefinition<Deployment> = {
  resource: DEPLOYMENTS,
  kind: 'Deployment',
  listKind: 'DeploymentList',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.apps.v1.Deployment',
  stream: 'state',
  subresources: [SCALE, statusOf('Deployment')],
  fields: {},
  strategy: standardStrategy<Deployment>({
    defaults: (deployment) => within(deployment, 'spec', specDefaults),
    prepareForCreate: (deployment) => withGeneration({ ...deployment, status: {} }),
    prepareForUpdate: (next, old) => counted({ ...next, status: { ...old.status } }, old),
    prepareForStatusUpdate,
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
    validateStatusUpdate: validateDeploymentStatus,
    warnings: workloadWarnings,
  }),
  columns: [
    NAME,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', ({ status }) => status?.availableReplicas ?? 0),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => selectorText(spec?.selector)),
  ],
};

/** Labels stay too: they are copied to ReplicaSets. */
function prepareForStatusUpdate(next: Deployment, old: Deployment): Deployment {
  const { labels: _sent, ...metadata } = next.metadata;
  const { labels } = old.metadata;
  return { ...old, metadata: labels === undefined ? metadata : { ...metadata, labels }, status: { ...next.status } };
}
