import {
  dnsSubdomainNames,
  formatTime,
  invalidValue,
  required,
  validateImmutableField,
  type FieldError,
  type Instant,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { each, within } from '../../defaulting.js';
import type { ResourceSlice, ResourceSliceSpec } from '../../generated/types.js';
import { nodeSelector } from '../../core/v1/scheduling-validation.js';
import { kindOf } from '../../kind.js';
import { judge, type Problems } from '../../problems.js';
import { RESOURCESLICES } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { driverName, labelName, limitedSet, poolName } from './device-names.js';
import { counters, device } from './slice-devices.js';

const MOST_DEVICES = 128;
const MOST_ADVANCED_DEVICES = 64;
const MOST_COUNTER_SETS = 8;
const ONE_NODE_RULE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

/** Where a slice's devices can be used: said in exactly one way. */
function placement(into: Problems, { nodeName, nodeSelector: selector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): void {
  const set: string[] = [];
  if (nodeName === '') into.push(invalidValue('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
  else if (nodeName !== undefined) {
    set.push('`nodeName`');
    judge(into, 'spec.nodeName', nodeName, (name) => dnsSubdomainNames(name, false));
  }
  if (selector) {
    set.push('`nodeSelector`');
    nodeSelector(into, 'spec.nodeSelector', selector);
    const terms = (selector.nodeSelectorTerms as typeof selector.nodeSelectorTerms | null) ?? [];
    if (terms.length !== 1)
      into.push(invalidValue('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'));
  }
  for (const [member, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === true) set.push(`\`${member}\``);
    else if (value === false) into.push(invalidValue(`spec.${member}`, false, 'must be either unset or set to true'));
  }
  if (set.length === 0) into.push(required('spec', ONE_NODE_RULE));
  else if (set.length > 1) into.push(invalidValue('spec', `{${set.join(', ')}}`, `${ONE_NODE_RULE}, but multiple fields are set`));
}

/** Slices whose devices have taints, counters or lists may hold fewer of them. */
const isAdvanced = ({ devices = [] }: ResourceSliceSpec): boolean =>
  devices.some(
    ({ taints, consumesCounters, attributes }) =>
      (taints?.length ?? 0) > 0 ||
      (consumesCounters?.length ?? 0) > 0 ||
      Object.values(attributes ?? {}).some(({ bools, ints, strings, versions }) => (bools ?? ints ?? strings ?? versions) !== undefined),
  );

function validate({ spec }: ResourceSlice): readonly FieldError[] {
  const into: Problems = [];
  driverName(into, 'spec.driver', spec.driver);
  poolName(into, 'spec.pool.name', spec.pool.name);
  if (spec.pool.resourceSliceCount <= 0)
    into.push(invalidValue('spec.pool.resourceSliceCount', spec.pool.resourceSliceCount, 'must be greater than zero'));
  if (spec.pool.generation < 0)
    into.push(invalidValue('spec.pool.generation', spec.pool.generation, 'must be greater than or equal to zero'));
  placement(into, spec);
  if (spec.sharedCounters && spec.devices) into.push(invalidValue('spec', '', 'only one of `sharedCounters` or `devices` is allowed'));
  const most = isAdvanced(spec) ? MOST_ADVANCED_DEVICES : MOST_DEVICES;
  const perDevice = spec.perDeviceNodeSelection === true;
  limitedSet(
    into,
    'spec.devices',
    spec.devices,
    most,
    ({ name }) => name,
    (one, at) => device(into, at, one, perDevice),
  );
  limitedSet(
    into,
    'spec.sharedCounters',
    spec.sharedCounters,
    MOST_COUNTER_SETS,
    ({ name }) => name,
    (one, at) => {
      if (!one.name) into.push(required(`${at}.name`));
      else labelName(into, `${at}.name`, one.name);
      counters(into, `${at}.counters`, one.counters);
    },
  );
  return into;
}

const validateUpdate = (next: ResourceSlice, old: ResourceSlice): readonly FieldError[] => [
  ...validate(next),
  ...validateImmutableField(next.spec.pool.name, old.spec.pool.name, 'spec.pool.name'),
  ...validateImmutableField(next.spec.driver, old.spec.driver, 'spec.driver'),
  ...validateImmutableField(next.spec.nodeName, old.spec.nodeName, 'spec.nodeName'),
];

/** Taints know when they came. */
const stamped = (object: ResourceSlice, now: Instant): ResourceSlice =>
  within(object, 'spec', (spec) =>
    within(spec, 'devices', (devices) =>
      each(devices, (one) =>
        within(one, 'taints', (taints) =>
          each(taints, (taint) => (taint.timeAdded === undefined ? { ...taint, timeAdded: formatTime(now) } : taint)),
        ),
      ),
    ),
  );

export const resourceslices = kindOf<ResourceSlice>(RESOURCESLICES, 'ResourceSlice', {
  scope: 'Cluster',
  fields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver },
  strategy: standardStrategy<ResourceSlice>({
    prepareForCreate: (object, { now }) => withGeneration(stamped(object, now)),
    prepareForUpdate: (next, old, { now }) => withGeneration(stamped(next, now), old),
    validate,
    validateUpdate,
  }),
  columns: [
    NAME,
    column('Node', ({ spec }) => spec.nodeName ?? ''),
    column('Driver', ({ spec }) => spec.driver),
    column('Pool', ({ spec }) => spec.pool.name),
    AGE,
  ],
});
