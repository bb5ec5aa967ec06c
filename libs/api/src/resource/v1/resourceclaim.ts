import { validateImmutableField } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { within } from '../../defaulting.js';
import type { ResourceResourceClaim } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { RESOURCECLAIMS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { validateClaimStatus } from './claim-status.js';
import { claimDefaults, validateDeviceClaim } from './device-claim.js';

function state({ metadata, status }: ResourceResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const states = deleted ? ['deleted'] : [];
  if (!status?.allocation) return [...states, ...(deleted ? [] : ['pending'])].join(',');
  return [...states, 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}

export const resourceclaims = kindOf<ResourceResourceClaim>(RESOURCECLAIMS, 'ResourceClaim', {
  scope: 'Namespaced',
  subresources: [statusOf('ResourceClaim')],
  strategy: standardStrategy<ResourceResourceClaim>({
    defaults: (object) => within(object, 'spec', (spec) => within(spec, 'devices', claimDefaults)),
    prepareForCreate: (object) => ({ ...object, status: {} }),
    validate: ({ spec }) => validateDeviceClaim(spec.devices, 'spec.devices'),
    validateUpdate: (next, old) => validateImmutableField(next.spec, old.spec, 'spec'),
    validateStatusUpdate: validateClaimStatus,
  }),
  columns: [NAME, column('State', state), AGE],
});
