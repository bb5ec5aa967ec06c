import { dnsLabelNames, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { resourceAmount } from '../../core/v1/resource-validation.js';
import { tolerations } from '../../core/v1/scheduling-validation.js';
import type { RuntimeClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { RUNTIMECLASSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

function validate({ handler, overhead, scheduling }: RuntimeClass): readonly FieldError[] {
  const into: Problems = [];
  judge(into, 'handler', handler, (value) => dnsLabelNames(value, false));
  for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) resourceAmount(into, `overhead.podFixed[${name}]`, name, amount);
  tolerations(into, 'scheduling.tolerations', scheduling?.tolerations);
  return into;
}

export const runtimeclasses = kindOf<RuntimeClass>(RUNTIMECLASSES, 'RuntimeClass', {
  scope: 'Cluster',
  strategy: standardStrategy<RuntimeClass>({
    validate,
    validateUpdate: (next, old) => [...validate(next), ...validateImmutableField(next.handler, old.handler, 'handler')],
  }),
  columns: [NAME, column('Handler', ({ handler }) => handler), AGE],
});
