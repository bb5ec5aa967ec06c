import { isDns1123Subdomain, required, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { VolumeAttributesClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { VOLUMEATTRIBUTESCLASSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { parameters } from './parameters.js';

function validate(object: VolumeAttributesClass): readonly FieldError[] {
  const into: Problems = [];
  if (!object.driverName) into.push(required('driverName'));
  else judge(into, 'driverName', object.driverName.toLowerCase(), isDns1123Subdomain);
  parameters(into, object.parameters, true);
  return into;
}

export const volumeattributesclasses = kindOf<VolumeAttributesClass>(VOLUMEATTRIBUTESCLASSES, 'VolumeAttributesClass', {
  scope: 'Cluster',
  shortNames: ['vac'],
  strategy: standardStrategy<VolumeAttributesClass>({
    validate,
    validateUpdate: (next, old) => [
      ...validate(next),
      ...validateImmutableField(next.driverName, old.driverName, 'driverName'),
      ...validateImmutableField(next.parameters, old.parameters, 'parameters'),
    ],
  }),
  columns: [NAME, column('DriverName', ({ driverName }) => driverName), AGE],
});
