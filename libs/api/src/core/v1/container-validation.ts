import {
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isValidPortName,
  isValidPortNumber,
  required,
  tooMany,
} from '#libs/apimachinery';
import type { Container, ContainerPort, EphemeralContainer, Volume, VolumeDevice } from '../../generated/types.js';
import { judge, oneOf, oneOfIfSet, unique, unsupported, type Problems } from '../../problems.js';
import { environment, environmentFrom } from './env-validation.js';
import { mounts } from './mount-validation.js';
import { isRestartableInitContainer } from './pod-resources.js';
import { hooks, probe } from './probe-validation.js';
import { containerResources } from './resource-validation.js';
import { containerSecurity } from './security-validation.js';

/** What a container's rules must know of its pod. */
export interface PodFacts {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claims: ReadonlySet<string>;
  readonly gracePeriod: number | undefined;
  readonly restartPolicy: string | undefined;
  readonly hostUsers: boolean;
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

function ports(into: Problems, path: string, list: readonly ContainerPort[] | undefined): void {
  const names = new Set<string>();
  for (const [index, { name, containerPort, hostPort, protocol }] of (list ?? []).entries()) {
    const field = `${path}[${index}]`;
    if (name) {
      if (isValidPortName(name).length > 0) judge(into, `${field}.name`, name, isValidPortName);
      else unique(into, `${field}.name`, name, names);
    }
    if (containerPort === 0) into.push(required(`${field}.containerPort`));
    else judge(into, `${field}.containerPort`, containerPort, isValidPortNumber);
    if (hostPort) judge(into, `${field}.hostPort`, hostPort, isValidPortNumber);
    oneOf(into, `${field}.protocol`, protocol, PROTOCOLS);
  }
}

function devices(into: Problems, path: string, list: readonly VolumeDevice[] | undefined, volumes: PodFacts['volumes']): void {
  const names = new Set<string>();
  for (const [index, { name, devicePath }] of (list ?? []).entries()) {
    const volume = volumes.get(name);
    const field = `${path}[${index}].name`;
    if (name === '') into.push(required(field));
    if (names.has(name)) into.push(invalidValue(field, name, 'must be unique'));
    names.add(name);
    if (!volume) into.push(fieldNotFound(field, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      into.push(invalidValue(field, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'));
    }
    if (devicePath === '') into.push(required(`${path}[${index}].devicePath`));
  }
}

function resizePolicy(into: Problems, path: string, { resizePolicy: list }: Container, { restartPolicy }: PodFacts): void {
  const seen = new Set<string>();
  for (const [index, policy] of (list ?? []).entries()) {
    unique(into, `${path}[${index}]`, policy.resourceName, seen);
    oneOf(into, path, policy.resourceName, ['cpu', 'memory']);
    oneOf(into, path, policy.restartPolicy, ['NotRequired', 'RestartContainer']);
    if (restartPolicy === 'Never' && policy.restartPolicy !== 'NotRequired') {
      into.push(invalidValue(path, policy.restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
}

function restartRules(into: Problems, path: string, { restartPolicy, restartPolicyRules = [] }: Container): void {
  oneOfIfSet(into, `${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']);
  const field = `${path}.restartPolicyRules`;
  if (restartPolicyRules.length === 0) return;
  if (restartPolicy === undefined) into.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  if (restartPolicyRules.length > 20) into.push(tooMany(field, restartPolicyRules.length, 20));
  for (const [index, { action, exitCodes }] of restartPolicyRules.entries()) {
    if (action !== 'Restart') into.push(unsupported(`${field}[${index}].action`, action ?? '', ['Restart']));
    if (!exitCodes) into.push(required(`${field}[${index}].exitCodes`, 'must be specified'));
    else if (exitCodes.operator !== 'In' && exitCodes.operator !== 'NotIn') {
      into.push(unsupported(`${field}[${index}].exitCodes.operator`, exitCodes.operator ?? '', ['In', 'NotIn']));
    }
  }
}

/** The rules of every container, whatever its role. */
function common(into: Problems, path: string, container: Container, pod: PodFacts): void {
  if (container.name === '') into.push(required(`${path}.name`));
  else judge(into, `${path}.name`, container.name, isDns1123Label);
  if (!container.image) into.push(required(`${path}.image`));
  oneOf(into, `${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']);
  ports(into, `${path}.ports`, container.ports);
  environment(into, `${path}.env`, container.env);
  environmentFrom(into, `${path}.envFrom`, container.envFrom);
  mounts(into, `${path}.volumeMounts`, container, pod.volumes);
  devices(into, `${path}.volumeDevices`, container.volumeDevices, pod.volumes);
  oneOf(into, `${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']);
  containerResources(into, `${path}.resources`, container.resources, pod.claims);
  resizePolicy(into, `${path}.resizePolicy`, container, pod);
  containerSecurity(into, `${path}.securityContext`, container.securityContext, pod.hostUsers);
}

function lifecycle(into: Problems, path: string, container: Container, gracePeriod: number | undefined): void {
  hooks(into, path, container.lifecycle, gracePeriod);
  probe(into, path, 'liveness', container.livenessProbe, gracePeriod);
  probe(into, path, 'readiness', container.readinessProbe, gracePeriod);
  probe(into, path, 'startup', container.startupProbe, gracePeriod);
}

function hostPorts(into: Problems, path: string, containers: readonly Container[]): void {
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [position, { hostPort, hostIP = '', protocol = '' }] of (container.ports ?? []).entries()) {
      if (hostPort) unique(into, `${path}[${index}].ports[${position}].hostPort`, `${protocol}/${hostIP}/${hostPort}`, seen);
    }
  }
}

/** The containers that make up a pod. */
export function regularContainers(into: Problems, path: string, containers: readonly Container[], pod: PodFacts): void {
  if (containers.length === 0) into.push(required(path));
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const field = `${path}[${index}]`;
    common(into, field, container, pod);
    unique(into, `${field}.name`, container.name, names);
    lifecycle(into, field, container, pod.gracePeriod);
    restartRules(into, field, container);
  }
  hostPorts(into, path, containers);
}

const NOT_FOR_INIT = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** The containers that run before the others, and sidecars. */
export function initContainers(
  into: Problems,
  path: string,
  containers: readonly Container[] | undefined,
  regular: readonly Container[],
  pod: PodFacts,
): void {
  const names = new Set(regular.map(({ name }) => name));
  for (const [index, container] of (containers ?? []).entries()) {
    const field = `${path}[${index}]`;
    common(into, field, container, pod);
    restartRules(into, field, container);
    if (names.has(container.name)) into.push(duplicate(`${field}.name`, container.name));
    else if (container.name !== '') names.add(container.name);
    hostPorts(into, path, [container]);
    if (isRestartableInitContainer(container)) lifecycle(into, field, container, pod.gracePeriod);
    else {
      for (const member of NOT_FOR_INIT) {
        if (container[member] === undefined) continue;
        into.push(forbiddenField(`${field}.${member}`, 'may not be set for init containers without restartPolicy=Always'));
      }
    }
  }
}

const NOT_FOR_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

/** Containers added to a running pod to look into it. */
export function ephemeralContainers(
  into: Problems,
  path: string,
  containers: readonly EphemeralContainer[] | undefined,
  others: readonly Container[],
  pod: PodFacts,
): void {
  const permanent = new Set(others.map(({ name }) => name));
  const names = new Set(permanent);
  for (const [index, container] of (containers ?? []).entries()) {
    const field = `${path}[${index}]`;
    common(into, field, container, pod);
    unique(into, `${field}.name`, container.name, names);
    const { targetContainerName: target } = container;
    if (target && !permanent.has(target)) into.push(fieldNotFound(`${field}.targetContainerName`, target));
    for (const member of NOT_FOR_EPHEMERAL) {
      const value = container[member];
      if (value === undefined || Object.keys(value).length === 0) continue;
      into.push(forbiddenField(`${field}.${member}`, 'cannot be set for an Ephemeral Container'));
    }
  }
}
