import { invalidValue, isDns1123Subdomain, isValidLabelValue, required, validateLabelName, type FieldError } from '#libs/apimachinery';
import type {
  DeviceClaim,
  DeviceClaimConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
} from '../../generated/types.js';
import { each, fill, within } from '../../defaulting.js';
import { judge, unsupported, type Problems } from '../../problems.js';
import { deviceExpression } from './device-expression.js';
import {
  driverName,
  fullyQualifiedName,
  labelName,
  limited,
  limitedSet,
  MOST_CONFIGURATIONS,
  MOST_CONSTRAINTS,
  MOST_REQUESTS,
  rawObject,
} from './device-names.js';

const MOST_SELECTORS = 32;
const MOST_ALTERNATIVES = 8;
const MOST_TOLERATIONS = 16;
const NO_SUCH_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const ONE_KIND = 'exactly one of `exactly` or `firstAvailable` is required';
export const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];

const tolerationDefaults = (toleration: DeviceToleration): DeviceToleration => fill(toleration, { operator: 'Equal' });

function modeDefaults<T extends ExactDeviceRequest | DeviceSubRequest>(request: T): T {
  const mode = fill<ExactDeviceRequest | DeviceSubRequest>(request, { allocationMode: 'ExactCount' });
  const counted = mode.allocationMode === 'ExactCount' ? fill(mode, { count: 1 }) : mode;
  return within(counted, 'tolerations', (list) => each(list, tolerationDefaults)) as T;
}

/** A claim of devices with what it may leave out: one device of each request, tolerations that compare. */
export const claimDefaults = (claim: DeviceClaim): DeviceClaim =>
  within(claim, 'requests', (list) =>
    each(list, (request) =>
      within(within(request, 'exactly', modeDefaults), 'firstAvailable', (alternatives) => each(alternatives, modeDefaults)),
    ),
  );

/** One toleration of a device's taint. */
export function deviceToleration(into: Problems, path: string, { key, operator, value = '', effect }: DeviceToleration): void {
  if (key) into.push(...validateLabelName(key, `${path}.key`));
  if (operator === 'Exists') {
    if (value !== '') into.push(invalidValue(`${path}.value`, value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') judge(into, `${path}.value`, value, isValidLabelValue);
  else if (!operator) into.push(required(`${path}.operator`));
  else into.push(unsupported(`${path}.operator`, operator, ['Equal', 'Exists']));
  if (effect && !EFFECTS.includes(effect)) into.push(unsupported(`${path}.effect`, effect, EFFECTS));
}

/** Expressions that pick devices. */
export function selectors(into: Problems, path: string, list: readonly DeviceSelector[] | undefined): void {
  limited(into, path, list, MOST_SELECTORS, ({ cel }, at) => {
    if (!cel) return void into.push(required(`${at}.cel`));
    deviceExpression(into, `${at}.cel.expression`, cel.expression);
  });
}

function deviceClassName(into: Problems, path: string, name: string): void {
  if (name === '') into.push(required(path));
  else judge(into, path, name, isDns1123Subdomain);
}

function exactRequest(into: Problems, path: string, request: ExactDeviceRequest | DeviceSubRequest): void {
  deviceClassName(into, `${path}.deviceClassName`, request.deviceClassName);
  selectors(into, `${path}.selectors`, request.selectors);
  const { allocationMode: mode = '', count = 0 } = request;
  if (mode === 'All') {
    if (count !== 0) into.push(invalidValue(`${path}.count`, count, `must not be specified when allocationMode is '${mode}'`));
  } else if (mode === 'ExactCount') {
    if (count <= 0) into.push(invalidValue(`${path}.count`, count, 'must be greater than zero'));
  } else into.push(unsupported(`${path}.allocationMode`, mode, ['All', 'ExactCount']));
  limited(into, `${path}.tolerations`, request.tolerations, MOST_TOLERATIONS, (toleration, at) => deviceToleration(into, at, toleration));
}

function request(into: Problems, path: string, { name, exactly, firstAvailable = [] }: DeviceRequest): void {
  labelName(into, `${path}.name`, name);
  if (firstAvailable.length === 0 && !exactly) return void into.push(required(path, ONE_KIND));
  if (firstAvailable.length > 0 && exactly) return void into.push(invalidValue(path, null, `${ONE_KIND}, but multiple fields are set`));
  if (exactly) return exactRequest(into, `${path}.exactly`, exactly);
  limitedSet(
    into,
    `${path}.firstAvailable`,
    firstAvailable,
    MOST_ALTERNATIVES,
    (sub) => sub.name,
    (sub, at) => {
      labelName(into, `${at}.name`, sub.name);
      exactRequest(into, at, sub);
    },
  );
}

/** What other parts of a claim may name: requests, and alternatives within them. */
export type RequestNames = ReadonlySet<string>;

export function requestNamesOf(claim: DeviceClaim | undefined): RequestNames {
  const names = new Set<string>();
  for (const { name, firstAvailable } of claim?.requests ?? []) {
    names.add(name);
    for (const sub of firstAvailable ?? []) names.add(`${name}/${sub.name}`);
  }
  return names;
}

/** The name of a request of the claim, or of an alternative in it. */
export function requestName(into: Problems, path: string, name: string, names: RequestNames): void {
  const segments = name.split('/');
  if (segments.length > 2) return void into.push(invalidValue(path, name, NO_SUCH_REQUEST));
  for (const segment of segments) labelName(into, path, segment);
  if (!names.has(name)) into.push(invalidValue(path, name, NO_SUCH_REQUEST));
}

export const requestList = (into: Problems, path: string, list: readonly string[] | undefined, names: RequestNames): void =>
  limitedSet(
    into,
    path,
    list,
    MOST_REQUESTS,
    (name) => name,
    (name, at) => requestName(into, at, name, names),
  );

function constraint(into: Problems, path: string, given: DeviceConstraint, names: RequestNames): void {
  requestList(into, `${path}.requests`, given.requests, names);
  if (given.matchAttribute !== undefined) fullyQualifiedName(into, `${path}.matchAttribute`, given.matchAttribute);
  else if (given.distinctAttribute !== undefined) fullyQualifiedName(into, `${path}.distinctAttribute`, given.distinctAttribute);
  else into.push(required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'));
}

/** Parameters that only a driver understands. */
export function configuration(into: Problems, path: string, { opaque }: Pick<DeviceClaimConfiguration, 'opaque'>): void {
  if (!opaque) return void into.push(required(`${path}.opaque`));
  driverName(into, `${path}.opaque.driver`, opaque.driver);
  into.push(...rawObject(`${path}.opaque.parameters`, opaque.parameters));
}

/** Every problem of a claim of devices. */
export function validateDeviceClaim(claim: DeviceClaim | undefined, path: string): readonly FieldError[] {
  const into: Problems = [];
  const names = requestNamesOf(claim);
  limitedSet(
    into,
    `${path}.requests`,
    claim?.requests,
    MOST_REQUESTS,
    ({ name }) => name,
    (each, at) => request(into, at, each),
  );
  limited(into, `${path}.constraints`, claim?.constraints, MOST_CONSTRAINTS, (each, at) => constraint(into, at, each, names));
  limited(into, `${path}.config`, claim?.config, MOST_CONFIGURATIONS, (each, at) => {
    requestList(into, `${at}.requests`, each.requests, names);
    configuration(into, at, each);
  });
  return into;
}
