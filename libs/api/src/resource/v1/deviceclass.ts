import { invalidValue, isQualifiedName, type FieldError } from '#libs/apimachinery';
import type { DeviceClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import type { Problems } from '../../problems.js';
import { DEVICECLASSES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { configuration, selectors } from './device-claim.js';
import { limited, MOST_CONFIGURATIONS } from './device-names.js';

const NATIVE = /^(requests\.|([^/]*\.)?kubernetes\.io\/)/;
/** With a quota's prefix an extended resource's name must still be one. */
const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !NATIVE.test(name) && isQualifiedName(`requests.${name}`).length === 0;

function validate({ spec }: DeviceClass): readonly FieldError[] {
  const into: Problems = [];
  selectors(into, 'spec.selectors', spec.selectors);
  limited(into, 'spec.config', spec.config, MOST_CONFIGURATIONS, (each, at) => configuration(into, at, each));
  const { extendedResourceName: name } = spec;
  if (name !== undefined && !isExtendedResource(name))
    into.push(invalidValue('spec.extendedResourceName', name, 'must be a valid extended resource name'));
  return into;
}

export const deviceclasses = kindOf<DeviceClass>(DEVICECLASSES, 'DeviceClass', {
  scope: 'Cluster',
  strategy: standardStrategy<DeviceClass>({
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate,
  }),
});
