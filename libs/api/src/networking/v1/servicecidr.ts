import { invalidValue, parseCidr, required, validateCidr, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ServiceCIDR } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { SERVICECIDRS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

const PATH = 'spec.cidrs';
const MOST_CIDRS = 2;
const ONE_OF_EACH = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96';

function validate({ spec }: ServiceCIDR): readonly FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(PATH, 'at least one CIDR required')];
  if (cidrs.length > MOST_CIDRS) return [invalidValue(PATH, spec, 'may only hold up to 2 values')];
  const [first, second] = cidrs.map(parseCidr);
  const sameFamily = cidrs.length === MOST_CIDRS && (!first || !second || first.network.family === second.network.family);
  return [
    ...(sameFamily ? [invalidValue(PATH, spec, ONE_OF_EACH)] : []),
    ...cidrs.flatMap((cidr, index) => validateCidr(`${PATH}[${index}]`, cidr)),
  ];
}

/** Ranges stay; one of the other family may be added to a single one, or the second of two taken away. */
function validateUpdate(next: ServiceCIDR, old: ServiceCIDR): readonly FieldError[] {
  const now = next.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  if (now.length > before.length) {
    const kept = before.flatMap((cidr, index) => validateImmutableField(now[index], cidr, `${PATH}[${index}]`));
    return kept.length > 0 ? kept : validate(next);
  }
  if (now.length === before.length) return before.flatMap((cidr, index) => validateImmutableField(now[index], cidr, `${PATH}[${index}]`));
  return validateImmutableField(now, before, PATH);
}

export const servicecidrs = kindOf<ServiceCIDR>(SERVICECIDRS, 'ServiceCIDR', {
  scope: 'Cluster',
  subresources: [statusOf('ServiceCIDR')],
  strategy: standardStrategy<ServiceCIDR>({ validate, validateUpdate }),
  columns: [NAME, column('CIDRs', ({ spec }) => (spec?.cidrs ?? []).join(',')), AGE],
});
