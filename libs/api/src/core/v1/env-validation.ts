import {
  dnsSubdomainNames,
  invalidValue,
  isConfigMapKey,
  isEnvVarName,
  isQualifiedName,
  required,
  type NameRule,
} from '#libs/apimachinery';
import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types.js';
import { judge, present, unsupported, type Problems } from '../../problems.js';
import { localNonReserved } from './path-validation.js';

const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** What a file of a downward API volume can hold. */
export const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const CONVERTIBLE = new Set([...ENV_FIELDS, ...VOLUME_FIELDS, 'spec.restartPolicy', 'status.phase', 'spec.schedulerName', 'spec.host']);
const CONTAINER_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const SUBSCRIPTED = /^(.+)\['([^']+)'\]$/;

/** A name where a prefix of one would pass too. */
const names =
  (rule: NameRule, prefix: boolean) =>
  (name: string): readonly string[] =>
    rule(name, prefix);

/** A field of the pod, e.g. `metadata.labels['app']`, that a variable or a file takes its value from. */
export function podField(into: Problems, path: string, { apiVersion, fieldPath }: ObjectFieldSelector, fields: readonly string[]): void {
  if (!apiVersion) return void into.push(required(`${path}.apiVersion`));
  if (fieldPath === '') return void into.push(required(`${path}.fieldPath`));
  const [, base = fieldPath, subscript] = SUBSCRIPTED.exec(fieldPath) ?? [];
  if (apiVersion !== 'v1') {
    const detail = `error converting fieldPath: unsupported pod version: ${apiVersion}`;
    into.push(invalidValue(`${path}.fieldPath`, fieldPath, detail));
  } else if (subscript === undefined) {
    if (!CONVERTIBLE.has(fieldPath)) {
      into.push(invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`));
    } else if (!fields.includes(fieldPath)) into.push(unsupported(`${path}.fieldPath`, fieldPath, fields));
  } else if (base === 'metadata.annotations') judge(into, path, subscript.toLowerCase(), isQualifiedName);
  else if (base === 'metadata.labels') judge(into, path, subscript, isQualifiedName);
  else
    into.push(
      invalidValue(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`),
    );
}

function divisorProblem(resource: string, divisor: string): string | undefined {
  if (resource.endsWith('.cpu')) {
    return ['1m', '1'].includes(divisor) ? undefined : "only divisor's values 1m and 1 are supported with the cpu resource";
  }
  if (BYTE_DIVISORS.includes(divisor)) return undefined;
  const kind = resource.includes('hugepages-') ? 'hugepages' : resource.endsWith('.memory') ? 'memory' : 'local ephemeral storage';
  return `only divisor's values ${BYTE_DIVISORS.join(', ')} are supported with the ${kind} resource`;
}

/** A container's request or limit that a variable or a file takes its value from. */
export function containerField(into: Problems, path: string, selector: ResourceFieldSelector, ofVolume: boolean): void {
  const { resource, containerName, divisor = '0' } = selector;
  const known = CONTAINER_FIELDS.includes(resource) || /^(requests|limits)\.hugepages-/.test(resource);
  if (ofVolume && !containerName) into.push(required(`${path}.containerName`));
  else if (resource === '') into.push(required(`${path}.resource`));
  else if (!known) into.push(unsupported(`${path}.resource`, resource, CONTAINER_FIELDS));
  const problem = divisor === '0' || !known ? undefined : divisorProblem(resource, divisor);
  if (problem !== undefined) into.push(invalidValue(`${path}.divisor`, resource, problem));
}

function keyOf(into: Problems, path: string, { name = '', key }: { readonly name?: string; readonly key: string }): void {
  judge(into, `${path}.name`, name, names(dnsSubdomainNames, false));
  if (key === '') into.push(required(`${path}.key`));
  else judge(into, `${path}.key`, key, isConfigMapKey);
}

function source(into: Problems, path: string, from: EnvVarSource, value: string | undefined): void {
  let sources = 0;
  if (from.fieldRef && ++sources) podField(into, `${path}.fieldRef`, from.fieldRef, ENV_FIELDS);
  if (from.resourceFieldRef && ++sources) containerField(into, `${path}.resourceFieldRef`, from.resourceFieldRef, false);
  if (from.configMapKeyRef && ++sources) keyOf(into, `${path}.configMapKeyRef`, from.configMapKeyRef);
  if (from.secretKeyRef && ++sources) keyOf(into, `${path}.secretKeyRef`, from.secretKeyRef);
  if (from.fileKeyRef && ++sources) {
    const { volumeName, path: file, key } = from.fileKeyRef;
    present(into, `${path}.fileKeyRef.volumeName`, volumeName);
    present(into, `${path}.fileKeyRef.key`, key);
    if (file === '') into.push(required(`${path}.fileKeyRef.path`));
    else localNonReserved(into, `${path}.fileKeyRef.path`, file);
  }
  if (sources === 0) {
    into.push(
      invalidValue(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'),
    );
  } else if (value) into.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) into.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
}

/** Environment variables of a container. */
export function environment(into: Problems, path: string, variables: readonly EnvVar[] | undefined): void {
  for (const [index, { name, value, valueFrom }] of (variables ?? []).entries()) {
    if (name === '') into.push(required(`${path}[${index}].name`));
    else judge(into, `${path}[${index}].name`, name, isEnvVarName);
    if (valueFrom) source(into, `${path}[${index}].valueFrom`, valueFrom, value);
  }
}

/** Whole config maps and secrets as environment variables. */
export function environmentFrom(into: Problems, path: string, sources: readonly EnvFromSource[] | undefined): void {
  for (const [index, { prefix, configMapRef, secretRef }] of (sources ?? []).entries()) {
    if (prefix) judge(into, `${path}[${index}].prefix`, prefix, isEnvVarName);
    for (const [member, ref] of Object.entries({ configMapRef, secretRef })) {
      if (ref === undefined) continue;
      const field = `${path}[${index}].${member}.name`;
      if (!ref.name) into.push(required(field));
      else judge(into, field, ref.name, names(dnsSubdomainNames, true));
    }
    if (!configMapRef && !secretRef) into.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef && secretRef) into.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  }
}
