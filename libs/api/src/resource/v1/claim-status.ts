import {
  deepEqual,
  duplicate,
  forbiddenField,
  invalidValue,
  parseCidr,
  required,
  tooLong,
  tooMany,
  validateImmutableField,
  validateLabelName,
  type FieldError,
} from '#libs/apimachinery';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimStatus,
  ResourceResourceClaim,
} from '../../generated/types.js';
import { nodeSelector } from '../../core/v1/scheduling-validation.js';
import { present, unsupported, type Problems } from '../../problems.js';
import { configuration, deviceToleration, requestList, requestName, requestNamesOf, type RequestNames } from './device-claim.js';
import { driverName, labelName, limited, limitedSet, MOST_CONFIGURATIONS, poolName, rawObject } from './device-names.js';

const MOST_CONSUMERS = 256;
const MOST_RESULTS = 32;
const MOST_CONDITIONS = 8;
const MOST_BINDING_CONDITIONS = 4;
const MOST_ADDRESSES = 16;
const LONGEST_INTERFACE = 256;
const LONGEST_HARDWARE_ADDRESS = 128;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface Place {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

const placeText = ({ driver, pool, device, shareID }: Place): string =>
  `${driver}/${pool}/${device}${shareID === undefined ? '' : `/${shareID}`}`;

function shareId(into: Problems, path: string, id: string | undefined): void {
  if (id === undefined || UUID.test(id)) return;
  into.push(
    invalidValue(
      path,
      id,
      'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
    ),
  );
}

/** Conditions that a device waits for before its pod is bound, and those at which it gives up. */
export function bindingConditions(
  into: Problems,
  path: string,
  {
    bindingConditions: wanted = [],
    bindingFailureConditions: failures = [],
  }: Pick<DeviceRequestAllocationResult, 'bindingConditions' | 'bindingFailureConditions'>,
): void {
  const at = `${path}.bindingConditions`;
  const failuresAt = `${path}.bindingFailureConditions`;
  limited(into, at, wanted, MOST_BINDING_CONDITIONS, (name, place) => into.push(...validateLabelName(name, place)));
  limited(into, failuresAt, failures, MOST_BINDING_CONDITIONS, (name, place) => into.push(...validateLabelName(name, place)));
  wanted.forEach((name, index) => {
    if (wanted.indexOf(name) < index) into.push(duplicate(`${at}[${index}]`, name));
  });
  failures.forEach((name, index) => {
    if (failures.indexOf(name) < index) into.push(duplicate(`${failuresAt}[${index}]`, name));
    if (wanted.includes(name))
      into.push(invalidValue(`${failuresAt}[${index}]`, name, 'bindingFailureConditions must not overlap with bindingConditions'));
  });
  if (wanted.length === 0 && failures.length > 0)
    into.push(invalidValue(at, wanted, 'bindingConditions are required to use bindingFailureConditions'));
  if (failures.length === 0 && wanted.length > 0)
    into.push(invalidValue(failuresAt, failures, 'bindingFailureConditions are required to use bindingConditions'));
}

function result(into: Problems, path: string, given: DeviceRequestAllocationResult, names: RequestNames): void {
  requestName(into, `${path}.request`, given.request, names);
  driverName(into, `${path}.driver`, given.driver);
  poolName(into, `${path}.pool`, given.pool);
  labelName(into, `${path}.device`, given.device);
  bindingConditions(into, path, given);
  (given.tolerations ?? []).forEach((each, index) => deviceToleration(into, `${path}.tolerations[${index}]`, each));
  shareId(into, `${path}.shareID`, given.shareID);
}

function allocation(into: Problems, path: string, given: AllocationResult, names: RequestNames): void {
  limited(into, `${path}.devices.results`, given.devices?.results, MOST_RESULTS, (each, at) => result(into, at, each, names));
  limited(into, `${path}.devices.config`, given.devices?.config, 2 * MOST_CONFIGURATIONS, (each, at) => {
    if (!each.source) into.push(required(`${at}.source`));
    else if (each.source !== 'FromClass' && each.source !== 'FromClaim')
      into.push(unsupported(`${at}.source`, each.source, ['FromClaim', 'FromClass']));
    requestList(into, `${at}.requests`, each.requests, names);
    configuration(into, at, each);
  });
  if (given.nodeSelector) nodeSelector(into, `${path}.nodeSelector`, given.nodeSelector);
}

function networkData(into: Problems, path: string, { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData): void {
  if (interfaceName.length > LONGEST_INTERFACE) into.push(tooLong(`${path}.interfaceName`, LONGEST_INTERFACE));
  if (hardwareAddress.length > LONGEST_HARDWARE_ADDRESS) into.push(tooLong(`${path}.hardwareAddress`, LONGEST_HARDWARE_ADDRESS));
  limitedSet(
    into,
    `${path}.ips`,
    ips,
    MOST_ADDRESSES,
    (ip) => ip,
    (ip, at) => {
      if (!parseCidr(ip)) into.push(invalidValue(at, ip, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'));
    },
  );
}

function deviceStatus(into: Problems, path: string, given: AllocatedDeviceStatus, allocated: ReadonlySet<string>): void {
  driverName(into, `${path}.driver`, given.driver);
  poolName(into, `${path}.pool`, given.pool);
  labelName(into, `${path}.device`, given.device);
  shareId(into, `${path}.shareID`, given.shareID);
  if (!allocated.has(placeText(given))) into.push(invalidValue(path, placeText(given), 'must be an allocated device in the claim'));
  const conditions = given.conditions ?? [];
  if (conditions.length > MOST_CONDITIONS) into.push(tooMany(`${path}.conditions`, conditions.length, MOST_CONDITIONS));
  if (given.data !== undefined && given.data !== null) into.push(...rawObject(`${path}.data`, given.data));
  if (given.networkData) networkData(into, `${path}.networkData`, given.networkData);
}

function reservations(into: Problems, status: ResourceClaimStatus, old: ResourceClaimStatus, deleted: boolean): void {
  const path = 'status.reservedFor';
  const consumers = status.reservedFor ?? [];
  limitedSet(
    into,
    path,
    consumers,
    MOST_CONSUMERS,
    ({ uid }) => uid,
    ({ resource, name, uid }, at) => {
      present(into, `${at}.resource`, resource);
      present(into, `${at}.name`, name);
      present(into, `${at}.uid`, uid);
    },
  );
  if (consumers.length === 0) return;
  if (!status.allocation) return void into.push(forbiddenField(path, 'may not be specified when `allocated` is not set'));
  const known = old.reservedFor ?? [];
  const added = consumers.some((consumer) => !known.some((each) => deepEqual(each, consumer)));
  if (deleted && added)
    into.push(forbiddenField(path, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'));
}

/** Every problem of a write to a claim's status: who holds it, which devices it got, what their drivers say. */
export function validateClaimStatus(next: ResourceResourceClaim, before: ResourceResourceClaim): readonly FieldError[] {
  const into: Problems = [];
  const status = next.status ?? {};
  const old = before.status ?? {};
  const names = requestNamesOf(next.spec.devices);
  const allocated = new Set((status.allocation?.devices?.results ?? []).map(placeText));
  reservations(into, status, old, next.metadata.deletionTimestamp !== undefined);
  limitedSet(into, 'status.devices', status.devices, Infinity, placeText, (each, at) => deviceStatus(into, at, each, allocated));
  if (old.allocation && status.allocation) into.push(...validateImmutableField(status.allocation, old.allocation, 'status.allocation'));
  else if (status.allocation) allocation(into, 'status.allocation', status.allocation, names);
  return into;
}
