import { forbiddenField, validateImmutableField, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { fill } from '../../defaulting.js';
import type { PriorityClass } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { oneOfIfSet, type Problems } from '../../problems.js';
import { PRIORITYCLASSES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

/** The classes that every cluster has, with their values (pkg/apis/scheduling/v1). */
export const SYSTEM_PRIORITY_CLASSES: readonly PriorityClass[] = [
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

const HIGHEST_OF_USERS = 1_000_000_000;
const SYSTEM_PREFIX = 'system-';

function validate({ metadata, value = 0, globalDefault, preemptionPolicy }: PriorityClass): readonly FieldError[] {
  const into: Problems = [];
  const name = metadata.name ?? '';
  if (name.startsWith(SYSTEM_PREFIX)) {
    const system = SYSTEM_PRIORITY_CLASSES.find((known) => known.metadata.name === name);
    const known = system !== undefined && system.value === value && globalDefault !== true;
    if (!known) {
      const why = "priority class names with 'system-' prefix are reserved for system use only. error: ";
      const error = system ? `value of ${name} PriorityClass must be ${system.value}` : `${name} is not a known system priority class`;
      into.push(forbiddenField('metadata.name', why + error));
    }
  } else if (value > HIGHEST_OF_USERS) {
    into.push(forbiddenField('value', 'maximum allowed value of a user defined priority is 1000000000'));
  }
  oneOfIfSet(into, 'preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority']);
  return into;
}

function validateUpdate(next: PriorityClass, old: PriorityClass): readonly FieldError[] {
  const into: Problems = [];
  if ((next.value ?? 0) !== (old.value ?? 0)) into.push(forbiddenField('value', 'may not be changed in an update.'));
  into.push(...validateImmutableField(next.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'));
  return into;
}

export const priorityclasses = kindOf<PriorityClass>(PRIORITYCLASSES, 'PriorityClass', {
  scope: 'Cluster',
  shortNames: ['pc'],
  strategy: standardStrategy<PriorityClass>({
    defaults: (object) => fill(object, { preemptionPolicy: 'PreemptLowerPriority' }),
    prepareForCreate: (object) =>
      object.metadata.generation === 1 ? object : { ...object, metadata: { ...object.metadata, generation: 1 } },
    validate,
    validateUpdate,
  }),
  columns: [
    NAME,
    column('Value', ({ value }) => value ?? 0, 'integer'),
    column('Global-Default', ({ globalDefault }) => globalDefault === true, 'boolean'),
    AGE,
    column('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
});
