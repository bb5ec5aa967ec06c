import {
  compareQuantities,
  dnsSubdomainNames,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isDns1123SubdomainWithUnderscore,
  isInRange,
  isQualifiedName,
  required,
  validateIpOfLegacyField,
  validateLabels,
} from '#libs/apimachinery';
import type { Container, PodResourceClaim, PodSpec } from '../../generated/types.js';
import { judge, oneOf, oneOfIfSet, unique, unsupported, type Problems } from '../../problems.js';
import { ephemeralContainers, initContainers, regularContainers, type PodFacts } from './container-validation.js';
import { containersTotal } from './pod-resources.js';
import { containerResources, podResources } from './resource-validation.js';
import { affinity, schedulingGates, spreadConstraints, tolerations } from './scheduling-validation.js';
import { ownUsers, podSecurity } from './security-validation.js';
import { volumesOf } from './volume-validation.js';

/** In a pod, not in a template: its name, and that it is one. */
export interface PodSpecOptions {
  readonly isPod: boolean;
  readonly podName?: string;
}

const MOST_INT32 = 2147483647;
const subdomain = (name: string): readonly string[] => dnsSubdomainNames(name, false);

function resourceClaims(into: Problems, path: string, claims: readonly PodResourceClaim[] | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, claim] of (claims ?? []).entries()) {
    const field = `${path}[${index}]`;
    if (claim.name === '') into.push(required(`${field}.name`));
    else {
      unique(into, `${field}.name`, claim.name, names);
      judge(into, `${field}.name`, claim.name, isDns1123Label);
    }
    const { resourceClaimName: name, resourceClaimTemplateName: template } = claim;
    if (name !== undefined && template !== undefined) {
      into.push(invalidValue(field, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (name === undefined && template === undefined) {
      into.push(invalidValue(field, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    if (name !== undefined) judge(into, `${field}.resourceClaimName`, name, subdomain);
    if (template !== undefined) judge(into, `${field}.resourceClaimTemplateName`, template, subdomain);
  }
  return names;
}

function dns(into: Problems, path: string, { dnsConfig, dnsPolicy }: PodSpec): void {
  if (dnsPolicy === 'None' && !dnsConfig) {
    return void into.push(required(path, 'must provide `dnsConfig` when `dnsPolicy` is None'));
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === 'None' && nameservers.length === 0) {
    return void into.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  }
  if (nameservers.length > 3) into.push(invalidValue(`${path}.nameservers`, nameservers, 'must not have more than 3 nameservers'));
  for (const [index, server] of nameservers.entries()) into.push(...validateIpOfLegacyField(`${path}.nameservers[${index}]`, server));
  if (searches.length > 32) into.push(invalidValue(`${path}.searches`, searches, 'must not have more than 32 search paths'));
  if (searches.join(' ').length > 2048) {
    into.push(invalidValue(`${path}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list'));
  }
  for (const [index, search] of searches.entries()) {
    if (search !== '.') judge(into, `${path}.searches[${index}]`, search.replace(/\.$/, ''), isDns1123SubdomainWithUnderscore);
  }
  for (const [index, { name }] of options.entries()) if (!name) into.push(required(`${path}.options[${index}]`, 'must not be empty'));
}

function hostNetworkPorts(into: Problems, path: string, spec: PodSpec, isPod: boolean): void {
  if (!spec.hostNetwork) return;
  for (const [index, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [position, { hostPort = 0, containerPort }] of ports.entries()) {
      if ((!isPod && hostPort === 0) || hostPort === containerPort) continue;
      const field = `${path}.containers[${index}].ports[${position}].hostPort`;
      into.push(invalidValue(field, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
    }
  }
}

function wholePodResources(into: Problems, path: string, spec: PodSpec): void {
  if (!spec.resources) return;
  podResources(into, path, spec.resources);
  const total = containersTotal(spec, 'requests');
  for (const name in total) {
    const asked = spec.resources.requests?.[name] ?? '0';
    const sum = total[name] ?? '0';
    if (compareQuantities(sum, asked) <= 0) continue;
    into.push(invalidValue(`${path}.requests[${name}]`, asked, `must be greater than or equal to aggregate container requests of ${sum}`));
  }
  for (const [index, { resources }] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(resources?.limits ?? {})) {
      const most = spec.resources.limits?.[name];
      if (most === undefined || compareQuantities(limit, most) <= 0) continue;
      into.push(invalidValue(`${path}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${most}`));
    }
  }
}

function names(into: Problems, path: string, spec: PodSpec): void {
  if (spec.serviceAccountName) judge(into, `${path}.serviceAccountName`, spec.serviceAccountName, subdomain);
  if (spec.nodeName) judge(into, `${path}.nodeName`, spec.nodeName, subdomain);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) judge(into, `${path}.activeDeadlineSeconds`, deadline, (value) => isInRange(value, 1, MOST_INT32));
  if (spec.hostname) judge(into, `${path}.hostname`, spec.hostname, isDns1123Label);
  if (spec.subdomain) judge(into, `${path}.subdomain`, spec.subdomain, isDns1123Label);
  tolerations(into, `${path}.tolerations`, spec.tolerations);
  for (const [index, { ip, hostnames }] of (spec.hostAliases ?? []).entries()) {
    into.push(...validateIpOfLegacyField(`${path}.hostAliases[${index}].ip`, ip));
    for (const [position, name] of (hostnames ?? []).entries()) {
      judge(into, `${path}.hostAliases[${index}].hostnames[${position}]`, name, isDns1123Subdomain);
    }
  }
  if (spec.priorityClassName) judge(into, `${path}.priorityClassName`, spec.priorityClassName, subdomain);
  if (spec.runtimeClassName !== undefined) judge(into, `${path}.runtimeClassName`, spec.runtimeClassName, subdomain);
  oneOfIfSet(into, `${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  if (spec.overhead) containerResources(into, `${path}.overhead`, { limits: spec.overhead }, new Set());
  if (spec.os?.name === '') into.push(required(`${path}.os.name`, 'cannot be empty'));
  else if (spec.os && spec.os.name !== 'linux' && spec.os.name !== 'windows') {
    into.push(unsupported(`${path}.os`, spec.os.name, ['linux', 'windows']));
  }
}

/** Every problem of a pod's spec, of a pod or a template (upstream's ValidatePodSpec). */
export function podSpec(into: Problems, path: string, spec: PodSpec, { isPod, podName }: PodSpecOptions): void {
  const gracePeriod = spec.terminationGracePeriodSeconds;
  if (gracePeriod === undefined) into.push(required(`${path}.terminationGracePeriodSeconds`));
  const pod: PodFacts = {
    volumes: volumesOf(into, `${path}.volumes`, spec.volumes, podName),
    claims: resourceClaims(into, `${path}.resourceClaims`, spec.resourceClaims),
    gracePeriod,
    restartPolicy: spec.restartPolicy,
    hostUsers: spec.hostUsers !== false,
  };
  const containers: readonly Container[] = spec.containers ?? [];
  regularContainers(into, `${path}.containers`, containers, pod);
  initContainers(into, `${path}.initContainers`, spec.initContainers, containers, pod);
  const others = [...containers, ...(spec.initContainers ?? [])];
  ephemeralContainers(into, `${path}.ephemeralContainers`, spec.ephemeralContainers, others, pod);
  wholePodResources(into, `${path}.resources`, spec);
  hostNetworkPorts(into, path, spec, isPod);
  oneOf(into, `${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']);
  oneOf(into, `${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']);
  into.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  podSecurity(into, path, spec);
  affinity(into, `${path}.affinity`, spec.affinity);
  dns(into, `${path}.dnsConfig`, spec);
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    judge(into, `${path}.readinessGates[${index}].conditionType`, conditionType, isQualifiedName);
  }
  schedulingGates(into, `${path}.schedulingGates`, spec.schedulingGates);
  spreadConstraints(into, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints);
  ownUsers(into, path, spec);
  names(into, path, spec);
}
