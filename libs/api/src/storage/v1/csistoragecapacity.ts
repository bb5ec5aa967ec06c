import {
  compareQuantities,
  dnsSubdomainNames,
  invalidValue,
  required,
  validateImmutableField,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { CSIStorageCapacity } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { CSISTORAGECAPACITIES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

function validate({ nodeTopology, storageClassName, capacity, maximumVolumeSize }: CSIStorageCapacity): readonly FieldError[] {
  const into: Problems = [...validateLabelSelector(nodeTopology, 'nodeTopology')];
  if (!storageClassName) into.push(required('storageClassName'));
  else judge(into, 'storageClassName', storageClassName, (name) => dnsSubdomainNames(name, false));
  for (const [field, amount] of Object.entries({ capacity, maximumVolumeSize })) {
    if (amount !== undefined && compareQuantities(amount, '0') < 0)
      into.push(invalidValue(field, amount, 'must be greater than or equal to 0'));
  }
  return into;
}

export const csistoragecapacities = kindOf<CSIStorageCapacity>(CSISTORAGECAPACITIES, 'CSIStorageCapacity', {
  scope: 'Namespaced',
  singular: 'csistoragecapacity',
  strategy: standardStrategy<CSIStorageCapacity>({
    validate,
    validateUpdate: (next, old) => [
      ...validate(next),
      ...validateImmutableField(next.nodeTopology, old.nodeTopology, 'nodeTopology'),
      ...validateImmutableField(next.storageClassName, old.storageClassName, 'storageClassName'),
    ],
  }),
  columns: [
    NAME,
    column('StorageClassName', ({ storageClassName }) => storageClassName),
    column('Capacity', ({ capacity }) => capacity ?? '<unset>'),
    AGE,
  ],
});
