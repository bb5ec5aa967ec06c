import { validateAnnotations, validateImmutableField, validateLabels } from '#libs/apimachinery';
import { within } from '../../defaulting.js';
import type { ResourceClaimTemplate } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { RESOURCECLAIMTEMPLATES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { claimDefaults, validateDeviceClaim } from './device-claim.js';

export const resourceclaimtemplates = kindOf<ResourceClaimTemplate>(RESOURCECLAIMTEMPLATES, 'ResourceClaimTemplate', {
  scope: 'Namespaced',
  strategy: standardStrategy<ResourceClaimTemplate>({
    defaults: (object) => within(object, 'spec', (outer) => within(outer, 'spec', (spec) => within(spec, 'devices', claimDefaults))),
    validate: ({ spec }) => [
      ...validateAnnotations(spec.metadata?.annotations, 'spec.metadata.annotations'),
      ...validateLabels(spec.metadata?.labels, 'spec.metadata.labels'),
      ...validateDeviceClaim(spec.spec.devices, 'spec.spec.devices'),
    ],
    validateUpdate: (next, old) => validateImmutableField(next.spec, old.spec, 'spec'),
  }),
});
