import { deepEqual, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column, labelsText, listed } from '../../columns.js';
import { within } from '../../defaulting.js';
import type { PodTemplate } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import type { Problems } from '../../problems.js';
import { PODTEMPLATES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { templateDefaults } from './pod-defaults.js';
import { podTemplate } from './pod-validation.js';

function validate({ template }: PodTemplate): readonly FieldError[] {
  const into: Problems = [];
  podTemplate(into, 'template', template ?? {});
  return into;
}

export const podtemplates = kindOf<PodTemplate>(PODTEMPLATES, 'PodTemplate', {
  scope: 'Namespaced',
  strategy: standardStrategy<PodTemplate>({
    defaults: (object) => within(object, 'template', templateDefaults),
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old, !deepEqual(next.template, old.template)),
    validate,
  }),
  columns: [
    NAME,
    column('Containers', ({ template }) => listed(template?.spec?.containers, 'name')),
    column('Images', ({ template }) => listed(template?.spec?.containers, 'image')),
    column('Pod Labels', ({ template }) => labelsText(template?.metadata?.labels)),
    AGE,
  ],
});
