import { invalidValue, required, selectorFromLabels, type FieldError } from '#libs/apimachinery';
import { replicaCounts } from '../../apps/v1/workload-validation.js';
import { AGE, NAME, column, labelsText, listed, wideColumn } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type { ReplicationController } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { nonnegative, unsupported, type Problems } from '../../problems.js';
import { REPLICATIONCONTROLLERS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { ALL_VERBS, SCALE, statusOf } from '../../verbs.js';
import { templateDefaults } from './pod-defaults.js';
import { podTemplate } from './pod-validation.js';

/** Selector and labels come from the template where they are left out. */
function defaults(sent: ReplicationController): ReplicationController {
  const object = within(sent, 'spec', (spec) => within(fill(spec, { replicas: 1 }), 'template', templateDefaults));
  const labels = object.spec?.template?.metadata?.labels;
  if (!object.spec || labels === undefined || Object.keys(labels).length === 0) return object;
  const { selector = {} } = object.spec;
  const selected = Object.keys(selector).length > 0 ? object : { ...object, spec: { ...object.spec, selector: labels } };
  if (Object.keys(selected.metadata.labels ?? {}).length > 0) return selected;
  return { ...selected, metadata: { ...selected.metadata, labels } };
}

function validate({ spec }: ReplicationController): readonly FieldError[] {
  const into: Problems = [];
  nonnegative(into, 'spec.minReadySeconds', spec?.minReadySeconds);
  const { selector = {}, template } = spec ?? {};
  if (Object.keys(selector).length === 0) into.push(required('spec.selector'));
  nonnegative(into, 'spec.replicas', spec?.replicas);
  if (!template) return [...into, required('spec.template')];
  const labels = template.metadata?.labels ?? {};
  if (Object.keys(selector).length > 0 && !selectorFromLabels(selector).matches(labels)) {
    into.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  podTemplate(into, 'spec.template', template);
  const { restartPolicy = '' } = template.spec ?? {};
  if (restartPolicy !== 'Always') into.push(unsupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  return into;
}

function validateStatus({ status }: ReplicationController): readonly FieldError[] {
  const into: Problems = [];
  if (status) replicaCounts(into, status, { observedGeneration: status.observedGeneration });
  return into;
}

export const replicationcontrollers = kindOf<ReplicationController>(REPLICATIONCONTROLLERS, 'ReplicationController', {
  scope: 'Namespaced',
  shortNames: ['rc'],
  categories: ['all'],
  verbs: ALL_VERBS,
  orphansDependents: {},
  subresources: [SCALE, statusOf('ReplicationController')],
  fields: { 'status.replicas': ({ status }) => `${status?.replicas ?? 0}` },
  strategy: standardStrategy<ReplicationController>({
    defaults,
    prepareForCreate: (object) => withGeneration({ ...object, status: { replicas: 0 } }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate,
    validateStatusUpdate: validateStatus,
  }),
  columns: [
    NAME,
    column('Desired', ({ spec }) => spec?.replicas ?? 0, 'integer'),
    column('Current', ({ status }) => status?.replicas ?? 0, 'integer'),
    column('Ready', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template?.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template?.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => labelsText(spec?.selector)),
  ],
});
