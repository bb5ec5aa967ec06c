import { invalidValue, isDns1123Subdomain, required, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { VolumeAttachment } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, present, type Problems } from '../../problems.js';
import { VOLUMEATTACHMENTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

function validate({ spec }: VolumeAttachment): readonly FieldError[] {
  const into: Problems = [];
  if (!spec.attacher) into.push(required('spec.attacher'));
  else judge(into, 'spec.attacher', spec.attacher.toLowerCase(), isDns1123Subdomain);
  const { persistentVolumeName, inlineVolumeSpec } = spec.source;
  if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    into.push(invalidValue('spec.source', spec.source, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) {
    into.push(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  } else if (persistentVolumeName === '')
    into.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  present(into, 'spec.nodeName', spec.nodeName);
  return into;
}

export const volumeattachments = kindOf<VolumeAttachment>(VOLUMEATTACHMENTS, 'VolumeAttachment', {
  scope: 'Cluster',
  subresources: [statusOf('VolumeAttachment')],
  strategy: standardStrategy<VolumeAttachment>({
    prepareForCreate: (object) => ({ ...object, status: { attached: false } }),
    validate,
    validateUpdate: (next, old) => [...validate(next), ...validateImmutableField(next.spec, old.spec, 'spec')],
  }),
  columns: [
    NAME,
    column('Attacher', ({ spec }) => spec.attacher),
    column('PV', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    column('Node', ({ spec }) => spec.nodeName),
    column('Attached', ({ status }) => status?.attached === true, 'boolean'),
    AGE,
  ],
});
