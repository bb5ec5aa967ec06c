import { required, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ControllerRevision } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { nonnegative, type Problems } from '../../problems.js';
import { CONTROLLERREVISIONS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

function validate({ data, revision }: ControllerRevision): readonly FieldError[] {
  const into: Problems = [];
  if (data === undefined || data === null) into.push(required('data', 'data is mandatory'));
  nonnegative(into, 'revision', revision);
  return into;
}

function controller({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find((each) => each.controller === true);
  if (!owner) return '<none>';
  const [group = ''] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
  return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${owner.name}`;
}

export const controllerrevisions = kindOf<ControllerRevision>(CONTROLLERREVISIONS, 'ControllerRevision', {
  scope: 'Namespaced',
  strategy: standardStrategy<ControllerRevision>({
    validate,
    validateUpdate: (next, old) => [...validate(next), ...validateImmutableField(next.data, old.data, 'data')],
  }),
  columns: [NAME, column('Controller', controller), column('Revision', ({ revision }) => revision, 'integer'), AGE],
});
