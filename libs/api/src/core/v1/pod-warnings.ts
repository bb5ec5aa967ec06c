import { isDns1123Label, milliValue, quoted } from '#libs/apimachinery';
import type { Container, Deployment, Pod, PodSpec, ReplicaSet } from '../../generated/types.js';

const DEPRECATED_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** Canonical quantities below one whole end so. */
const FRACTIONAL = /[mun]$/;

function* fractional(path: string, { resources }: Container): Iterable<string> {
  for (const member of ['limits', 'requests'] as const) {
    for (const name of ['memory', 'ephemeral-storage']) {
      const quantity = resources?.[member]?.[name];
      if (quantity === undefined || !FRACTIONAL.test(quantity) || milliValue(quantity) % 1000 === 0) continue;
      yield `${path}.resources.${member}[${name}]: fractional byte value ${quoted(quantity)} is invalid, must be an integer`;
    }
  }
}

function* hiddenVariables(path: string, { env = [] }: Container): Iterable<string> {
  const seen = new Set<string>();
  for (const [index, { name, value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    if (seen.has(name) && (valueFrom !== undefined || value === reference || !value.includes(reference))) {
      yield `${path}.env[${index}]: hides previous definition of ${quoted(name)}, which may be dropped when using apply`;
    }
    seen.add(name);
  }
}

function* duplicatePorts(containers: readonly (readonly [string, Container])[]): Iterable<string> {
  const seen = new Map<string, string>();
  for (const [path, { ports = [] }] of containers) {
    for (const [index, { containerPort, protocol = '', hostIP = '', hostPort = 0 }] of ports.entries()) {
      const key = `${containerPort}/${protocol}/${hostIP}/${hostPort}`;
      const other = seen.get(key);
      if (other !== undefined) yield `${path}.ports[${index}]: duplicate port definition with ${other}`;
      else seen.set(key, `${path}.ports[${index}]`);
    }
  }
}

function* duplicates(path: string, member: string, what: string, list: readonly (string | undefined)[]): Iterable<string> {
  const seen = new Set<string>();
  for (const [index, value = ''] of list.entries()) {
    if (seen.has(value)) yield `${path}.${member}[${index}].${what}: duplicate ${what} ${quoted(value)}`;
    seen.add(value);
  }
}

/** What a client is told of the spec of a pod or of a template that is allowed and likely not meant. */
export function* specWarnings(path: string, spec: PodSpec): Iterable<string> {
  for (const [index, { labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    if (labelSelector) continue;
    yield `${path}.topologySpreadConstraints[${index}].labelSelector: a null labelSelector results in matching no pod`;
  }
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const source in volume) {
      const message = DEPRECATED_VOLUMES[source];
      if (message !== undefined) yield `${path}.volumes[${index}].${source}: ${message}`;
    }
  }
  yield* duplicates(
    path,
    'hostAliases',
    'ip',
    (spec.hostAliases ?? []).map(({ ip }) => ip),
  );
  yield* duplicates(
    path,
    'imagePullSecrets',
    'name',
    (spec.imagePullSecrets ?? []).map(({ name }) => name),
  );
  const containers = [
    ...(spec.initContainers ?? []).map((one, index) => [`${path}.initContainers[${index}]`, one] as const),
    ...(spec.containers ?? []).map((one, index) => [`${path}.containers[${index}]`, one] as const),
  ];
  for (const [field, container] of containers) {
    yield* fractional(field, container);
    yield* hiddenVariables(field, container);
  }
  yield* duplicatePorts(containers);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    yield `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`;
  }
}

/** What a client is told of a name that makes a poor host name. */
export function nameWarning(name: string | undefined, use: string): readonly string[] {
  const messages = isDns1123Label(name ?? '');
  if (messages.length === 0) return [];
  const surprise = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used in ${use}, ${surprise}: [${messages.join(' ')}]`];
}

/** What a client is told of a new pod that is allowed and likely not meant. */
export function podWarnings(pod: Pod, old: Pod | undefined): readonly string[] {
  if (old || !pod.spec) return [];
  return [...nameWarning(pod.metadata.name, "the Pod's hostname"), ...specWarnings('spec', pod.spec)];
}

/** The same of a workload's template, where it is new or has changed. */
export function workloadWarnings<T extends Deployment | ReplicaSet>(next: T, old: T | undefined): readonly string[] {
  const spec = next.spec?.template?.spec;
  const changed = old === undefined || old.metadata.generation !== next.metadata.generation;
  return [
    ...(old ? [] : nameWarning(next.metadata.name, 'Pod names and hostnames')),
    ...(spec && changed ? specWarnings('spec.template.spec', spec) : []),
  ];
}
