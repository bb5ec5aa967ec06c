import {
  compareQuantities,
  deepEqual,
  dnsSubdomainNames,
  forbiddenField,
  formatTime,
  invalidValue,
  required,
  validateImmutableField,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column, wideColumn } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type { PersistentVolume, PersistentVolumeSpec } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOfIfSet, present, unsupported, type Problems } from '../../problems.js';
import { PERSISTENTVOLUMES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { ACCESS_MODES, shortAccessModes, storageClassOf } from './claims.js';

/** The members of a volume's spec that say where it is: exactly one of them is there. */
const SOURCES = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'hostPath',
  'glusterfs',
  'nfs',
  'rbd',
  'iscsi',
  'cinder',
  'cephfs',
  'fc',
  'flocker',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

const sourceOf = (spec: PersistentVolumeSpec): Partial<PersistentVolumeSpec> =>
  Object.fromEntries(SOURCES.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]));

function source(into: Problems, spec: PersistentVolumeSpec): void {
  const found = SOURCES.filter((name) => spec[name] !== undefined);
  if (found.length === 0) into.push(required('spec', 'must specify a volume type'));
  for (const name of found.slice(1)) into.push(forbiddenField(`spec.${name}`, 'may not specify more than 1 volume type'));
  const { hostPath, nfs, local, csi } = spec;
  if (hostPath) {
    present(into, 'spec.hostPath.path', hostPath.path);
    if (hostPath.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
      into.push(forbiddenField('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
    }
  }
  if (nfs) {
    present(into, 'spec.nfs.server', nfs.server);
    present(into, 'spec.nfs.path', nfs.path);
  }
  if (local) {
    present(into, 'spec.local.path', local.path);
    if (!spec.nodeAffinity) into.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  }
  if (csi) {
    present(into, 'spec.csi.driver', csi.driver);
    present(into, 'spec.csi.volumeHandle', csi.volumeHandle);
  }
}

function validate({ spec = {} }: PersistentVolume): readonly FieldError[] {
  const into: Problems = [];
  const { accessModes = [], capacity = {} } = spec;
  if (accessModes.length === 0) into.push(required('spec.accessModes'));
  for (const mode of accessModes) if (!ACCESS_MODES.includes(mode)) into.push(unsupported('spec.accessModes', mode, ACCESS_MODES));
  const storage = capacity['storage'];
  if (Object.keys(capacity).length === 0) into.push(required('spec.capacity'));
  else if (storage === undefined || Object.keys(capacity).length > 1) into.push(unsupported('spec.capacity', capacity, ['storage']));
  if (storage !== undefined && compareQuantities(storage, '0') <= 0) {
    into.push(invalidValue('spec.capacity[storage]', storage, 'must be greater than zero'));
  }
  oneOfIfSet(into, 'spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']);
  source(into, spec);
  if (spec.storageClassName) judge(into, 'spec.storageClassName', spec.storageClassName, (name) => dnsSubdomainNames(name, false));
  oneOfIfSet(into, 'spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']);
  return into;
}

function validateUpdate(next: PersistentVolume, old: PersistentVolume): readonly FieldError[] {
  const into: Problems = [...validate(next)];
  if (!deepEqual(sourceOf(next.spec ?? {}), sourceOf(old.spec ?? {}))) {
    into.push(forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  }
  into.push(...validateImmutableField(next.spec?.volumeMode, old.spec?.volumeMode, 'volumeMode'));
  return into;
}

function defaults(sent: PersistentVolume): PersistentVolume {
  const object = within(sent, 'spec', (spec) => fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }));
  return object.status?.phase ? object : { ...object, status: { ...object.status, phase: 'Pending' } };
}

const modes = ({ spec }: PersistentVolume): string => shortAccessModes(spec?.accessModes);
const claim = ({ spec }: PersistentVolume): string =>
  spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '';

export const persistentvolumes = kindOf<PersistentVolume>(PERSISTENTVOLUMES, 'PersistentVolume', {
  scope: 'Cluster',
  shortNames: ['pv'],
  subresources: [statusOf('PersistentVolume')],
  strategy: standardStrategy<PersistentVolume>({
    defaults,
    prepareForCreate: (object, { now }) => ({ ...object, status: { phase: 'Pending', lastPhaseTransitionTime: formatTime(now) } }),
    validate,
    validateUpdate,
  }),
  columns: [
    NAME,
    column('Capacity', ({ spec }) => spec?.capacity?.['storage'] ?? ''),
    column('Access Modes', modes),
    column('Reclaim Policy', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
    column('Status', ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''))),
    column('Claim', claim),
    column('StorageClass', storageClassOf),
    column('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    column('Reason', ({ status }) => status?.reason ?? ''),
    AGE,
    wideColumn('VolumeMode', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
});
