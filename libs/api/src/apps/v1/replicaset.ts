import { AGE, NAME, column, listed, selectorText, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { fill, within } from '../../defaulting.js';
import { workloadWarnings } from '../../core/v1/pod-warnings.js';
import type { ResourceDefinition } from '../../definition.js';
import type { ReplicaSet } from '../../generated/types.js';
import { REPLICASETS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { ALL_VERBS, SCALE, statusOf } from '../../verbs.js';
import { validateReplicaSet, validateReplicaSetStatus, validateReplicaSetUpdate } from './replicaset-validation.js';

export const replicasets: ResourceDefinition<ReplicaSet> = {
  resource: REPLICASETS,
  kind: 'ReplicaSet',
  listKind: 'ReplicaSetList',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.apps.v1.ReplicaSet',
  stream: 'state',
  subresources: [SCALE, statusOf('ReplicaSet')],
  fields: { 'status.replicas': ({ status }) => `${status?.replicas ?? 0}` },
  strategy: standardStrategy<ReplicaSet>({
    defaults: (object) => within(object, 'spec', (spec) => within(fill(spec, { replicas: 1 }), 'template', templateDefaults)),
    prepareForCreate: (object) => withGeneration({ ...object, status: { replicas: 0 } }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate: validateReplicaSet,
    validateUpdate: validateReplicaSetUpdate,
    validateStatusUpdate: (next) => validateReplicaSetStatus(next),
    warnings: workloadWarnings,
  }),
  columns: [
    NAME,
    column('Desired', ({ spec }) => spec?.replicas ?? 0, 'integer'),
    column('Current', ({ status }) => status?.replicas ?? 0, 'integer'),
    column('Ready', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template?.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template?.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => selectorText(spec?.selector) || '<none>'),
  ],
};
