import { isDns1123Subdomain, tooLong, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { fill } from '../../defaulting.js';
import type { CSIDriver } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOfIfSet, unique, unsupported, type Problems } from '../../problems.js';
import { CSIDRIVERS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';

const LONGEST_NAME = 63;
const MODES = ['Persistent', 'Ephemeral'];
const SPEC = {
  attachRequired: true,
  podInfoOnMount: false,
  storageCapacity: false,
  fsGroupPolicy: 'ReadWriteOnceWithFSType',
  volumeLifecycleModes: ['Persistent'],
  requiresRepublish: false,
  seLinuxMount: false,
} as const;

function validate({ metadata, spec }: CSIDriver): readonly FieldError[] {
  const into: Problems = [];
  const name = metadata.name ?? '';
  if (name.length > LONGEST_NAME) into.push(tooLong('metadata.name', LONGEST_NAME));
  else judge(into, 'metadata.name', name.toLowerCase(), isDns1123Subdomain);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!MODES.includes(mode)) into.push(unsupported('spec.volumeLifecycleModes', mode, MODES));
  }
  oneOfIfSet(into, 'spec.fsGroupPolicy', spec.fsGroupPolicy, ['ReadWriteOnceWithFSType', 'File', 'None']);
  const audiences = new Set<string>();
  (spec.tokenRequests ?? []).forEach(({ audience }, index) => unique(into, `spec.tokenRequests[${index}].audience`, audience, audiences));
  return into;
}

const validateUpdate = (next: CSIDriver, old: CSIDriver): readonly FieldError[] => [
  ...validate(next),
  ...validateImmutableField(next.spec.attachRequired, old.spec.attachRequired, 'spec.attachedRequired'),
  ...validateImmutableField(next.spec.fsGroupPolicy, old.spec.fsGroupPolicy, 'spec.fsGroupPolicy'),
  ...validateImmutableField(next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
];

const audiencesOf = ({ spec }: CSIDriver): string => {
  const audiences = (spec.tokenRequests ?? []).map(({ audience }) => audience);
  return audiences.length === 0 ? '<unset>' : audiences.join(',');
};

export const csidrivers = kindOf<CSIDriver>(CSIDRIVERS, 'CSIDriver', {
  scope: 'Cluster',
  strategy: standardStrategy<CSIDriver>({
    defaults: (object) => ({ ...object, spec: fill(object.spec, SPEC) }),
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate,
    validateUpdate,
  }),
  columns: [
    NAME,
    column('AttachRequired', ({ spec }) => spec.attachRequired !== false, 'boolean'),
    column('PodInfoOnMount', ({ spec }) => spec.podInfoOnMount === true, 'boolean'),
    column('StorageCapacity', ({ spec }) => spec.storageCapacity === true, 'boolean'),
    column('TokenRequests', audiencesOf),
    column('RequiresRepublish', ({ spec }) => spec.requiresRepublish === true, 'boolean'),
    column('Modes', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',')),
    AGE,
  ],
});
