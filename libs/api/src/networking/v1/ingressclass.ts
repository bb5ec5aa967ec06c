import { dnsLabelNames, invalidValue, required, tooLong, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { IngressClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, present, type Problems } from '../../problems.js';
import { INGRESSCLASSES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { fill, within } from '../../defaulting.js';

const LONGEST_CONTROLLER = 250;
/** A domain, a slash, and a path. */
const CONTROLLER = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function validate({ spec = {} }: IngressClass): readonly FieldError[] {
  const into: Problems = [];
  const { controller = '', parameters } = spec;
  if (controller.length > LONGEST_CONTROLLER) into.push(tooLong('spec.controller', LONGEST_CONTROLLER));
  if (controller !== '' && !CONTROLLER.test(controller)) {
    into.push(invalidValue('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  }
  if (!parameters) return into;
  const path = 'spec.parameters';
  present(into, `${path}.kind`, parameters.kind, 'kind is required');
  present(into, `${path}.name`, parameters.name, 'name is required');
  oneOf(into, `${path}.scope`, parameters.scope, ['Cluster', 'Namespace']);
  if (parameters.scope === 'Namespace' && !parameters.namespace) {
    into.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  } else if (parameters.namespace) judge(into, `${path}.namespace`, parameters.namespace, (value) => dnsLabelNames(value, false));
  return into;
}

const parameters = ({ spec }: IngressClass): string => {
  const { kind, apiGroup, name } = spec?.parameters ?? {};
  return kind === undefined ? '<none>' : `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name ?? ''}`;
};

export const ingressclasses = kindOf<IngressClass>(INGRESSCLASSES, 'IngressClass', {
  scope: 'Cluster',
  strategy: standardStrategy<IngressClass>({
    defaults: (object) =>
      within(object, 'spec', (spec) => within(spec, 'parameters', (reference) => fill(reference, { scope: 'Cluster' }))),
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate,
    validateUpdate: (next, old) => [
      ...validate(next),
      ...validateImmutableField(next.spec?.controller, old.spec?.controller, 'spec.controller'),
    ],
  }),
  columns: [NAME, column('Controller', ({ spec }) => spec?.controller ?? ''), column('Parameters', parameters), AGE],
});
