import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidPortNumber,
  parseIp,
  required,
  validateCidrOfLegacyField,
  validateIpOfLegacyField,
  validateLabels,
  type FieldError,
} from '#libs/apimachinery';
import type { Service, ServicePort, ServiceSpec } from '../../generated/types.js';
import { judge, oneOf, oneOfIfSet, unique, unsupported, type Problems } from '../../problems.js';
import { notSpecial } from './endpoints-validation.js';
import { portOrName } from './probe-validation.js';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const FAMILIES = ['IPv4', 'IPv6'];
const LONGEST_AFFINITY = 86400;

const isHeadless = ({ clusterIPs }: ServiceSpec): boolean => clusterIPs?.length === 1 && clusterIPs[0] === 'None';

/** Whether a Service can be reached from outside the cluster. */
export const externallyAccessible = ({ type, externalIPs }: ServiceSpec): boolean =>
  type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);
/** Whether a Service has a port on every node by which a load balancer asks for endpoints there. */
export const needsHealthCheck = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

function byType(into: Problems, spec: ServiceSpec): void {
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== 'ExternalName') into.push(required('spec.ports'));
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    into.push(invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== 'ExternalName') return;
  const detail = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) into.push(forbiddenField('spec.clusterIPs', detail));
  if (spec.ipFamilies?.length) into.push(forbiddenField('spec.ipFamilies', detail));
  if (spec.ipFamilyPolicy !== undefined) into.push(forbiddenField('spec.ipFamilyPolicy', detail));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') into.push(required('spec.externalName'));
  else judge(into, 'spec.externalName', name, isDns1123Subdomain);
}

function onePort(into: Problems, field: string, port: ServicePort, among: { readonly many: boolean; readonly names: Set<string> }): void {
  if (port.name) {
    judge(into, `${field}.name`, port.name, isDns1123Label);
    unique(into, `${field}.name`, port.name, among.names);
  } else if (among.many) into.push(required(`${field}.name`));
  judge(into, `${field}.port`, port.port, isValidPortNumber);
  oneOf(into, `${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']);
  portOrName(into, `${field}.targetPort`, port.targetPort);
  if (port.appProtocol !== undefined) judge(into, `${field}.appProtocol`, port.appProtocol, isQualifiedName);
}

/** A port and its protocol, as upstream shows the pair that is there twice. */
const pair = (protocol: string, port: number): unknown => ({
  Name: '',
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

function twice(into: Problems, spec: ServiceSpec): void {
  const nodePorts = new Set<string>();
  const ports = new Set<string>();
  for (const [index, { nodePort, protocol = '' }] of (spec.ports ?? []).entries()) {
    if (!nodePort) continue;
    if (nodePorts.has(`${protocol} ${nodePort}`)) into.push(duplicate(`spec.ports[${index}].nodePort`, nodePort));
    nodePorts.add(`${protocol} ${nodePort}`);
  }
  for (const [index, { port, protocol = '' }] of (spec.ports ?? []).entries()) {
    if (ports.has(`${protocol} ${port}`)) into.push(duplicate(`spec.ports[${index}]`, pair(protocol, port)));
    ports.add(`${protocol} ${port}`);
  }
}

function affinity(into: Problems, { sessionAffinity, sessionAffinityConfig }: ServiceSpec): void {
  const field = 'spec.sessionAffinityConfig';
  oneOf(into, 'spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  if (sessionAffinity === 'None') {
    if (sessionAffinityConfig) into.push(forbiddenField(field, 'must not be set when session affinity is None'));
  } else if (sessionAffinity === 'ClientIP') {
    const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (!sessionAffinityConfig) into.push(required(field, 'when session affinity type is ClientIP'));
    else if (seconds === undefined) into.push(required(`${field}.clientIP.timeoutSeconds`, 'when session affinity type is ClientIP'));
    else if (seconds <= 0 || seconds > LONGEST_AFFINITY) {
      into.push(invalidValue(`${field}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${LONGEST_AFFINITY}`));
    }
  }
}

function addressesAgree(into: Problems, { clusterIP = '', clusterIPs = [] }: ServiceSpec): void {
  const field = 'spec.clusterIPs';
  if (clusterIP === '') {
    if (clusterIPs.length > 0) into.push(invalidValue(field, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  } else if (clusterIPs.length === 0) into.push(required(field));
  else if (clusterIPs[0] !== clusterIP) into.push(invalidValue(field, clusterIPs, 'first value must match `clusterIP`'));
}

function familiesOf(into: Problems, { clusterIPs = [], ipFamilies = [] }: ServiceSpec): void {
  for (const [index, address] of clusterIPs.entries()) {
    const wanted = ipFamilies[index];
    const is = parseIp(address)?.family === 6 ? 'IPv6' : 'IPv4';
    if (wanted === undefined || is === wanted || !FAMILIES.includes(wanted)) continue;
    into.push(invalidValue(`spec.clusterIPs[${index}]`, address, `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``));
  }
}

function clusterAddresses(into: Problems, spec: ServiceSpec): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIPs = [] } = spec;
  addressesAgree(into, spec);
  const seen = new Set<string>();
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (!FAMILIES.includes(family)) into.push(unsupported(`spec.ipFamilies[${index}]`, family, FAMILIES));
    unique(into, `spec.ipFamilies[${index}]`, family, seen);
  }
  oneOfIfSet(into, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']);
  const before = into.length;
  for (const [index, address] of clusterIPs.entries()) {
    if (index === 0 && address === 'None') {
      if (clusterIPs.length > 1) into.push(invalidValue('spec.clusterIPs', clusterIPs, "'None' must be the first and only value"));
    } else into.push(...validateIpOfLegacyField(`spec.clusterIPs[${index}]`, address));
  }
  const sound = into.length === before;
  if (clusterIPs.length > 2) into.push(invalidValue('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'));
  if (!sound) return;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map((address) => parseIp(address)?.family)).size < 2) {
    into.push(invalidValue('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (!isHeadless(spec)) familiesOf(into, spec);
}

function loadBalancer(into: Problems, spec: ServiceSpec): void {
  const detail = "may only be used when `type` is 'LoadBalancer'";
  const isOne = spec.type === 'LoadBalancer';
  if (spec.loadBalancerSourceRanges?.length) {
    const field = 'spec.LoadBalancerSourceRanges';
    if (!isOne) into.push(forbiddenField(field, detail));
    for (const [index, range] of spec.loadBalancerSourceRanges.entries()) {
      into.push(...validateCidrOfLegacyField(`${field}[${index}]`, range.trim()));
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isOne) into.push(forbiddenField('spec.allocateLoadBalancerNodePorts', detail));
  if (isOne && spec.allocateLoadBalancerNodePorts === undefined) into.push(required('allocateLoadBalancerNodePorts'));
  if (spec.loadBalancerClass === undefined) return;
  if (!isOne) into.push(forbiddenField('spec.loadBalancerClass', detail));
  else judge(into, 'spec.loadBalancerClass', spec.loadBalancerClass, isQualifiedName);
}

function traffic(into: Problems, spec: ServiceSpec): void {
  const policy = spec.externalTrafficPolicy;
  if (externallyAccessible(spec)) oneOf(into, 'spec.externalTrafficPolicy', policy, ['Cluster', 'Local']);
  else if (policy) into.push(invalidValue('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'));
  const port = spec.healthCheckNodePort ?? 0;
  if (needsHealthCheck(spec)) {
    if (port === 0) into.push(required('spec.healthCheckNodePort'));
    else judge(into, 'spec.healthCheckNodePort', port, isValidPortNumber);
  } else if (port !== 0) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    into.push(invalidValue('spec.healthCheckNodePort', port, detail));
  }
  if (spec.internalTrafficPolicy === undefined && spec.type !== 'ExternalName') into.push(required('spec.internalTrafficPolicy'));
  oneOfIfSet(into, 'spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']);
  oneOfIfSet(into, 'spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone']);
}

/** Every problem of a new service, its addresses and ports allocated. */
export function validateService({ spec = {} }: Service): readonly FieldError[] {
  const into: Problems = [];
  byType(into, spec);
  const among = { many: (spec.ports?.length ?? 0) > 1, names: new Set<string>() };
  for (const [index, port] of (spec.ports ?? []).entries()) onePort(into, `spec.ports[${index}]`, port, among);
  into.push(...validateLabels(spec.selector, 'spec.selector'));
  affinity(into, spec);
  clusterAddresses(into, spec);
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    const problems = validateIpOfLegacyField(`spec.externalIPs[${index}]`, address);
    into.push(...problems);
    if (problems.length === 0) notSpecial(into, `spec.externalIPs[${index}]`, address);
  }
  oneOf(into, 'spec.type', spec.type, TYPES);
  if (spec.type === 'ClusterIP') {
    for (const [index, { nodePort }] of (spec.ports ?? []).entries()) {
      if (nodePort) into.push(forbiddenField(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  twice(into, spec);
  loadBalancer(into, spec);
  traffic(into, spec);
  return into;
}

/** What was allocated stays: a second entry may come and go, the first only with the type ExternalName. */
function keeps(into: Problems, member: 'clusterIPs' | 'ipFamilies', next: ServiceSpec, old: ServiceSpec): void {
  const now = next[member] ?? [];
  const before = old[member] ?? [];
  const field = `spec.${member}`;
  const what = member === 'clusterIPs' ? 'clusterIP' : 'ipFamily';
  const moved = 'may not change once set';
  if (now.length === before.length) {
    for (const [index, value] of before.entries())
      if (value !== now[index]) into.push(invalidValue(`${field}[${member === 'ipFamilies' ? 0 : index}]`, now, moved));
    return;
  }
  if (before.length > 0 && now.length === 0) into.push(invalidValue(`${field}[0]`, now, `primary ${what} can not be unset`));
  else if (before.length > 0 && now[0] !== before[0]) into.push(invalidValue(`${field}[0]`, now, moved));
  if (now.length === 1 && before.length > 1 && next.ipFamilyPolicy !== 'SingleStack') {
    const detail = `\`ipFamilyPolicy\` must be set to 'SingleStack' when releasing the secondary ${what}`;
    into.push(invalidValue('spec.ipFamilyPolicy', next.ipFamilyPolicy, detail));
  }
}

/** Every problem of a change of a service. */
export function validateServiceUpdate(next: Service, old: Service): readonly FieldError[] {
  const into: Problems = [];
  const spec = next.spec ?? {};
  const before = old.spec ?? {};
  const external = spec.type === 'ExternalName' || before.type === 'ExternalName';
  if (!external && !(isHeadless(spec) && isHeadless(before))) keeps(into, 'clusterIPs', spec, before);
  if (!external && !isHeadless(spec) && !isHeadless(before)) keeps(into, 'ipFamilies', spec, before);
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' && spec.loadBalancerClass !== before.loadBalancerClass) {
    into.push(invalidValue('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  }
  if (needsHealthCheck(before) && needsHealthCheck(spec) && spec.healthCheckNodePort !== before.healthCheckNodePort) {
    into.push(forbiddenField('spec.healthCheckNodePort', 'field is immutable'));
  }
  return [...into, ...validateService(next)];
}

/** Every problem of where a load balancer says it is. */
export function validateServiceStatus({ spec, status }: Service): readonly FieldError[] {
  const into: Problems = [];
  const ingress = status?.loadBalancer?.ingress ?? [];
  const field = 'status.loadBalancer.ingress';
  if (spec?.type !== 'LoadBalancer' && ingress.length > 0) {
    return [forbiddenField(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  for (const [index, { ip, hostname, ipMode }] of ingress.entries()) {
    if (ip) {
      into.push(...validateIpOfLegacyField(`${field}[${index}].ip`, ip));
      if (ipMode === undefined) into.push(required(`${field}[${index}].ipMode`, 'must be specified when `ip` is set'));
      oneOfIfSet(into, `${field}[${index}].ipMode`, ipMode, ['Proxy', 'VIP']);
    } else if (ipMode !== undefined) {
      into.push(forbiddenField(`${field}[${index}].ipMode`, 'may not be specified when `ip` is not set'));
    }
    if (!hostname) continue;
    judge(into, `${field}[${index}].hostname`, hostname, isDns1123Subdomain);
    if (parseIp(hostname)) into.push(invalidValue(`${field}[${index}].hostname`, hostname, 'must be a DNS name, not an IP address'));
  }
  return into;
}
