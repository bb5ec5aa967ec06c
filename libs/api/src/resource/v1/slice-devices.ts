import {
  compareQuantities,
  forbiddenField,
  invalidValue,
  dnsSubdomainNames,
  isValidLabelValue,
  required,
  tooLong,
  validateLabelName,
} from '#libs/apimachinery';
import type { CapacityRequestPolicy, Device, DeviceAttribute, DeviceCapacity, DeviceTaint } from '../../generated/types.js';
import { nodeSelector } from '../../core/v1/scheduling-validation.js';
import { judge, unsupported, type Problems } from '../../problems.js';
import { bindingConditions } from './claim-status.js';
import { EFFECTS } from './device-claim.js';
import { labelName, limited, limitedSet, qualifiedName } from './device-names.js';

const MOST_ATTRIBUTES = 32;
const MOST_VALUES = 48;
const MOST_TAINTS = 16;
const MOST_CONSUMPTIONS = 2;
const MOST_COUNTERS = 32;
const MOST_OPTIONS = 10;
const LONGEST_VALUE = 64;
const NUMBER = '(0|[1-9]\\d*)';
const PRERELEASE = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const BUILD = '[0-9a-zA-Z-]+';
/** semver.org 2.0.0. */
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-${PRERELEASE}(\\.${PRERELEASE})*)?(\\+${BUILD}(\\.${BUILD})*)?$`);
const ONE_NODE_RULE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const NO_NODE_RULE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
const ONE_VALUE = 'exactly one value must be specified';

function text(into: Problems, path: string, value: string, version: boolean): void {
  if (version && !SEMVER.test(value)) into.push(invalidValue(path, value, 'must be a string compatible with semver.org spec 2.0.0'));
  if (value.length > LONGEST_VALUE) into.push(tooLong(path, LONGEST_VALUE));
}

const LISTS = ['bools', 'ints', 'strings', 'versions'] as const;
const SCALARS = ['bool', 'int', 'string', 'version'] as const;

function attribute(into: Problems, path: string, given: DeviceAttribute): void {
  if (given.string !== undefined) text(into, `${path}.string`, given.string, false);
  if (given.version !== undefined) text(into, `${path}.version`, given.version, true);
  for (const list of LISTS) {
    if (given[list]?.length === 0) into.push(invalidValue(`${path}.${list}`, given[list], 'must not be empty if specified'));
  }
  (given.strings ?? []).forEach((value, index) => text(into, `${path}.strings[${index}]`, value, false));
  (given.versions ?? []).forEach((value, index) => text(into, `${path}.versions[${index}]`, value, true));
  const set = [...SCALARS, ...LISTS].filter((member) => given[member] !== undefined);
  if (set.length !== 1) into.push(invalidValue(path, set.length === 0 ? '' : given, ONE_VALUE));
}

function policy(into: Problems, path: string, most: string, given: CapacityRequestPolicy): void {
  const { validValues = [], validRange: range, default: chosen } = given;
  if (validValues.length > 0 && range)
    return void into.push(
      forbiddenField(path, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'),
    );
  if (validValues.length > 0) {
    if (chosen === undefined) return void into.push(required(`${path}.default`, 'required when validValues is defined'));
    return values(into, `${path}.validValues`, most, validValues, chosen);
  }
  if (!range) return;
  if (chosen === undefined) return void into.push(required(`${path}.default`, 'required when validRange is defined'));
  const at = `${path}.validRange`;
  const { min, max } = range;
  if (min === undefined) return void into.push(required(`${at}.min`, 'required when validRange is defined'));
  if (compareQuantities(min, most) > 0) into.push(invalidValue(`${at}.min`, min, `min is larger than capacity value: ${most}`));
  if (compareQuantities(chosen, min) < 0) into.push(invalidValue(`${at}.default`, chosen, `default is less than min: ${min}`));
  if (max === undefined) return;
  if (compareQuantities(min, max) > 0) into.push(invalidValue(`${at}.max`, min, `min is larger than max: ${max}`));
  if (compareQuantities(max, most) > 0) into.push(invalidValue(`${at}.max`, max, `max is larger than capacity value: ${most}`));
  if (compareQuantities(chosen, max) > 0) into.push(invalidValue(`${at}.default`, chosen, `default is more than max: ${max}`));
}

function values(into: Problems, path: string, most: string, list: readonly string[], chosen: string): void {
  list.forEach((value, index) => {
    if (index > 0 && compareQuantities(list[index - 1] ?? value, value) > 0)
      into.push(invalidValue(`${path}[${index}]`, value, 'values must be sorted in ascending order'));
  });
  limitedSet(
    into,
    path,
    list,
    MOST_OPTIONS,
    (value) => value,
    (value, at) => {
      if (compareQuantities(value, most) > 0) into.push(invalidValue(at, value, `option is larger than capacity value: ${most}`));
    },
  );
  if (!list.some((value) => compareQuantities(value, chosen) === 0))
    into.push(invalidValue(path, chosen, 'default value is not valid according to the requestPolicy'));
}

function capacity(into: Problems, path: string, { value, requestPolicy }: DeviceCapacity, shared: boolean): void {
  if (!requestPolicy) return;
  if (shared) policy(into, `${path}.requestPolicy`, value, requestPolicy);
  else into.push(forbiddenField(`${path}.requestPolicy`, 'allowMultipleAllocations must be true'));
}

function taint(into: Problems, path: string, { key, value, effect }: DeviceTaint): void {
  into.push(...validateLabelName(key, `${path}.key`));
  if (value) judge(into, `${path}.value`, value, isValidLabelValue);
  if (!effect) into.push(required(`${path}.effect`));
  else if (!EFFECTS.includes(effect)) into.push(unsupported(`${path}.effect`, effect, EFFECTS));
}

/** The counters of a set or of a device: some, and not too many. */
export function counters(into: Problems, path: string, given: Readonly<Record<string, unknown>> | undefined): void {
  const names = Object.keys(given ?? {});
  if (names.length === 0) return void into.push(required(path));
  limited(into, path, names, MOST_COUNTERS, (name) => labelName(into, path, name));
}

function placement(into: Problems, path: string, device: Device, perDevice: boolean): void {
  const { nodeName, nodeSelector: selector, allNodes } = device;
  if (!perDevice) {
    if (nodeName !== undefined || selector || allNodes !== undefined) into.push(invalidValue(path, null, NO_NODE_RULE));
    return;
  }
  const set: string[] = [];
  if (nodeName === '') into.push(invalidValue(`${path}.nodeName`, nodeName, 'must not be empty'));
  else if (nodeName !== undefined) {
    set.push('`nodeName`');
    judge(into, `${path}.nodeName`, nodeName, (name) => dnsSubdomainNames(name, false));
  }
  if (selector) {
    set.push('`nodeSelector`');
    nodeSelector(into, `${path}.nodeSelector`, selector);
  }
  if (allNodes === true) set.push('`allNodes`');
  else if (allNodes === false) into.push(invalidValue(`${path}.allNodes`, false, 'must be either unset or set to true'));
  if (set.length === 0) into.push(required(path, ONE_NODE_RULE));
  else if (set.length > 1) into.push(invalidValue(path, `{${set.join(', ')}}`, ONE_NODE_RULE));
}

const valuesOf = (given: DeviceAttribute): number =>
  Math.max(
    1,
    LISTS.reduce((count, list) => count + (given[list]?.length ?? 0), 0),
  );

/** One device of a slice. */
export function device(into: Problems, path: string, given: Device, perDevice: boolean): void {
  labelName(into, `${path}.name`, given.name);
  const attributes = Object.entries(given.attributes ?? {});
  const capacities = Object.entries(given.capacity ?? {});
  const named = attributes.length + capacities.length;
  if (named > MOST_ATTRIBUTES)
    into.push(invalidValue(path, named, `the total number of attributes and capacities must not exceed ${MOST_ATTRIBUTES}`));
  const count = attributes.reduce((sum, [, value]) => sum + valuesOf(value), 0);
  if (count > MOST_VALUES) into.push(invalidValue(path, count, `the total number of attribute values must not exceed ${MOST_VALUES}`));
  for (const [name, value] of attributes) {
    qualifiedName(into, `${path}.attributes`, name);
    attribute(into, `${path}.attributes[${name}]`, value);
  }
  for (const [name, value] of capacities) {
    qualifiedName(into, `${path}.capacity`, name);
    capacity(into, `${path}.capacity[${name}]`, value, given.allowMultipleAllocations === true);
  }
  limited(into, `${path}.taints`, given.taints, MOST_TAINTS, (each, at) => taint(into, at, each));
  limitedSet(
    into,
    `${path}.consumesCounters`,
    given.consumesCounters,
    MOST_CONSUMPTIONS,
    ({ counterSet }) => counterSet,
    (each, at) => {
      if (!each.counterSet) into.push(required(`${at}.counterSet`));
      else labelName(into, `${at}.counterSet`, each.counterSet);
      counters(into, `${at}.counters`, each.counters);
    },
  );
  placement(into, path, given, perDevice);
  bindingConditions(into, path, given);
}
