import { dnsSubdomainNames, isQualifiedName, required, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { fill } from '../../defaulting.js';
import type { StorageClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, oneOfIfSet, type Problems } from '../../problems.js';
import { STORAGECLASSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { parameters } from './parameters.js';

/** The annotations that make a class the default one, today's and that of old. */
export const DEFAULT_STORAGE_CLASS_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Whether claims without a class get this one. */
export const isDefaultStorageClass = ({ metadata }: StorageClass): boolean =>
  DEFAULT_STORAGE_CLASS_ANNOTATIONS.some((name) => metadata.annotations?.[name] === 'true');

function validate(object: StorageClass): readonly FieldError[] {
  const into: Problems = [];
  if (!object.provisioner) into.push(required('provisioner'));
  else judge(into, 'provisioner', object.provisioner.toLowerCase(), isQualifiedName);
  parameters(into, object.parameters, false);
  oneOfIfSet(into, 'reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain']);
  oneOf(into, 'volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
  return into;
}

function validateUpdate(next: StorageClass, old: StorageClass): readonly FieldError[] {
  return [
    ...validate(next),
    ...validateImmutableField(next.parameters, old.parameters, 'parameters'),
    ...validateImmutableField(next.provisioner, old.provisioner, 'provisioner'),
    ...validateImmutableField(next.reclaimPolicy, old.reclaimPolicy, 'reclaimPolicy'),
    ...validateImmutableField(next.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode'),
  ];
}

export const storageclasses = kindOf<StorageClass>(STORAGECLASSES, 'StorageClass', {
  scope: 'Cluster',
  shortNames: ['sc'],
  names: dnsSubdomainNames,
  strategy: standardStrategy<StorageClass>({
    defaults: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
    validate,
    validateUpdate,
  }),
  columns: [
    { ...NAME, cell: (object) => `${object.metadata.name ?? ''}${isDefaultStorageClass(object as StorageClass) ? ' (default)' : ''}` },
    column('Provisioner', ({ provisioner }) => provisioner),
    column('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    column('AllowVolumeExpansion', ({ allowVolumeExpansion }) => allowVolumeExpansion === true, 'boolean'),
    AGE,
  ],
});
