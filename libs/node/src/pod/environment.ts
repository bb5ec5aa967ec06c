import { textOfBase64 } from '#libs/apimachinery';
import type { Container, EnvVar, Pod, Secret, Service } from '#libs/api';
import { fieldValue } from './downward.js';
import type { PodContext } from './pod-context.js';
import { resourceField } from './resources.js';

/** A container can't be created as its spec has it: the status says CreateContainerConfigError with this message. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/** The names of the config maps and secrets that a pod's environments and volumes are made from. */
export interface PodReferences {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

/** What a container's environment refers to. */
export function environmentReferences(container: Container): PodReferences {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name) configMaps.add(configMapRef.name);
    if (secretRef?.name) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

/** `$(NAME)` replaced by the variable's value; an unknown name stays as written, `$$` is one `$`. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, rest: string, name: string | undefined) =>
    rest === '$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}

/**
 * A container's environment in upstream's order of precedence: services, then envFrom, then env. A variable may
 * refer to those before it. Throws ContainerConfigError when something that is not optional is missing.
 */
export function environmentOf(container: Container, context: PodContext, services: readonly Service[]): ReadonlyMap<string, string> {
  const result = new Map<string, string>(envFrom(container, context));
  const serviceVariables = serviceEnvironment(services, context.pod);
  const known = new Map([...serviceVariables, ...result]);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom ? valueFrom(variable, container, context) : expand(variable.value ?? '', known);
    if (value === undefined) continue;
    known.set(variable.name, value);
    result.set(variable.name, value);
  }
  for (const [name, value] of serviceVariables) if (!result.has(name)) result.set(name, value);
  return result;
}

function envFrom(container: Container, context: PodContext): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? required(
          context.configMap(configMapRef.name ?? '')?.data,
          'configmap',
          configMapRef.name,
          configMapRef.optional,
          context.configMap(configMapRef.name ?? '') !== undefined,
        )
      : secretRef
        ? required(
            decoded(context.secret(secretRef.name ?? '')),
            'secret',
            secretRef.name,
            secretRef.optional,
            context.secret(secretRef.name ?? '') !== undefined,
          )
        : {};
    for (const [key, value] of Object.entries(data)) result.set(prefix + key, value);
  }
  return result;
}

function required<T extends object>(
  data: T | undefined,
  kind: string,
  name = '',
  optional: boolean | undefined,
  exists: boolean,
): T | Record<string, never> {
  if (data) return data;
  if (exists || optional === true) return {};
  throw new ContainerConfigError(`${kind} "${name}" not found`);
}

/** A Secret's data as text. */
function decoded(secret: Secret | undefined): Readonly<Record<string, string>> | undefined {
  if (!secret) return undefined;
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, textOf(value)]));
}

function valueFrom(variable: EnvVar, container: Container, context: PodContext): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {};
  const where = `${context.pod.metadata.namespace ?? ''}/`;
  if (fieldRef) return fieldValue(context, fieldRef.fieldPath);
  if (resourceFieldRef) {
    const target = containerNamed(context.pod, resourceFieldRef.containerName) ?? container;
    return resourceField(target, resourceFieldRef.resource, resourceFieldRef.divisor, context.allocatable);
  }
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef;
    const map = context.configMap(name);
    if (!map) return missing(optional, `configmap "${name}" not found`);
    return map.data?.[key] ?? missing(optional, `couldn't find key ${key} in ConfigMap ${where}${name}`);
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef;
    const secret = context.secret(name);
    if (!secret) return missing(optional, `secret "${name}" not found`);
    const value = secret.data?.[key];
    return value === undefined ? missing(optional, `couldn't find key ${key} in Secret ${where}${name}`) : textOf(value);
  }
  return undefined;
}

function missing(optional: boolean | undefined, message: string): undefined {
  if (optional === true) return undefined;
  throw new ContainerConfigError(message);
}

const containerNamed = (pod: Pod, name: string | undefined): Container | undefined =>
  name ? [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find((container) => container.name === name) : undefined;

/** Variables in Docker's link style for each service with an address; only `kubernetes` when the pod wants no links. */
export function serviceEnvironment(services: readonly Service[], pod: Pod): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  const links = pod.spec?.enableServiceLinks !== false;
  const isMaster = ({ metadata }: Service): boolean => metadata.namespace === 'default' && metadata.name === 'kubernetes';
  const wanted = services
    .filter((service) => isMaster(service) || (links && service.metadata.namespace === pod.metadata.namespace))
    .sort((a, b) => (a.metadata.name ?? '').localeCompare(b.metadata.name ?? ''));
  for (const { metadata, spec } of wanted) {
    const address = spec?.clusterIP;
    const [first] = spec?.ports ?? [];
    if (!address || address === 'None' || !first) continue;
    const name = (metadata.name ?? '').toUpperCase().replace(/-/g, '_');
    const joined = address.includes(':') ? `[${address}]` : address;
    result.set(`${name}_SERVICE_HOST`, address);
    result.set(`${name}_SERVICE_PORT`, String(first.port));
    for (const port of spec.ports ?? []) {
      if (port.name) result.set(`${name}_SERVICE_PORT_${port.name.toUpperCase().replace(/-/g, '_')}`, String(port.port));
    }
    result.set(`${name}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${joined}:${first.port}`);
    for (const { port, protocol = 'TCP' } of spec.ports ?? []) {
      const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
      result.set(prefix, `${protocol.toLowerCase()}://${joined}:${port}`);
      result.set(`${prefix}_PROTO`, protocol.toLowerCase());
      result.set(`${prefix}_PORT`, String(port));
      result.set(`${prefix}_ADDR`, address);
    }
  }
  return result;
}

const textOf = (base64: string): string => textOfBase64(base64) ?? '';
