import { dnsLabelNames } from '#libs/apimachinery';
import { AGE, NAME, column, listed, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { specWarnings } from '../../core/v1/pod-warnings.js';
import { claimSpecDefaults } from '../../core/v1/volume-defaults.js';
import { each, fill, within } from '../../defaulting.js';
import type { PersistentVolumeClaim, StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { STATEFULSETS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { SCALE, statusOf } from '../../verbs.js';
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './statefulset-validation.js';

const SPEC = { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' } as const;
const RETENTION = { whenDeleted: 'Retain', whenScaled: 'Retain' } as const;
const ROLLING_UPDATE = { partition: 0, maxUnavailable: 1 } as const;

function strategyDefaults(sent: StatefulSetUpdateStrategy): StatefulSetUpdateStrategy {
  const strategy = fill(sent, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return strategy;
  return within(fill(strategy, { rollingUpdate: ROLLING_UPDATE }), 'rollingUpdate', (update) => fill(update, ROLLING_UPDATE));
}

/** A template of claims says its kind, and has the status of a claim: upstream writes both into it. */
function claimDefaults(sent: PersistentVolumeClaim): PersistentVolumeClaim {
  const claim = within(sent, 'spec', claimSpecDefaults);
  const named = claim.kind === 'PersistentVolumeClaim' ? claim : { ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
  return named.status?.phase ? named : { ...named, status: { ...named.status, phase: 'Pending' } };
}

function specDefaults(sent: StatefulSetSpec): StatefulSetSpec {
  let spec = fill(fill(sent, SPEC), { updateStrategy: {}, persistentVolumeClaimRetentionPolicy: RETENTION });
  spec = within(spec, 'updateStrategy', strategyDefaults);
  spec = within(spec, 'persistentVolumeClaimRetentionPolicy', (policy) => fill(policy, RETENTION));
  spec = within(spec, 'volumeClaimTemplates', (claims) => each(claims, claimDefaults));
  return within(spec, 'template', templateDefaults);
}

function warnings({ spec, metadata }: StatefulSet, old: StatefulSet | undefined): readonly string[] {
  if (old && old.metadata.generation === metadata.generation) return [];
  const history = spec?.revisionHistoryLimit ?? 0;
  const kept = 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  return [...(spec?.template.spec ? specWarnings('spec.template.spec', spec.template.spec) : []), ...(history < 0 ? [kept] : [])];
}

export const statefulsets = kindOf<StatefulSet>(STATEFULSETS, 'StatefulSet', {
  scope: 'Namespaced',
  names: dnsLabelNames,
  shortNames: ['sts'],
  categories: ['all'],
  subresources: [SCALE, statusOf('StatefulSet')],
  strategy: standardStrategy<StatefulSet>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) => withGeneration({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    validateStatusUpdate: validateStatefulSetStatus,
    warnings,
  }),
  columns: [
    NAME,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template.spec?.containers, 'image')),
  ],
});
