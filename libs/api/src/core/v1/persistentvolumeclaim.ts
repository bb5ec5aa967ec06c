import { AGE, NAME, column, wideColumn } from '../../columns.js';
import { within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { PersistentVolumeClaim } from '../../generated/types.js';
import { PERSISTENTVOLUMECLAIMS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS, statusOf } from '../../verbs.js';
import { validateClaim, validateClaimUpdate } from './claim-validation.js';
import { claimSpecDefaults } from './volume-defaults.js';
import { shortAccessModes, storageClassOf } from './claims.js';

function defaults(sent: PersistentVolumeClaim): PersistentVolumeClaim {
  const claim = within(sent, 'spec', claimSpecDefaults);
  return claim.status?.phase ? claim : { ...claim, status: { ...claim.status, phase: 'Pending' } };
}

const accessModes = ({ spec, status }: PersistentVolumeClaim): string => (spec?.volumeName ? shortAccessModes(status?.accessModes) : '');

export const persistentvolumeclaims: ResourceDefinition<PersistentVolumeClaim> = {
  resource: PERSISTENTVOLUMECLAIMS,
  kind: 'PersistentVolumeClaim',
  listKind: 'PersistentVolumeClaimList',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  categories: [],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  stream: 'state',
  subresources: [statusOf('PersistentVolumeClaim')],
  fields: {},
  strategy: standardStrategy<PersistentVolumeClaim>({
    defaults,
    prepareForCreate: (claim) => ({ ...claim, status: { phase: 'Pending' } }),
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
  }),
  columns: [
    NAME,
    column('Status', ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    column('Volume', ({ spec }) => spec?.volumeName ?? ''),
    column('Capacity', ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.['storage'] ?? '0') : '')),
    column('Access Modes', accessModes),
    column('StorageClass', storageClassOf),
    column('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    AGE,
    wideColumn('VolumeMode', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
};
