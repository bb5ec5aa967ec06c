import {
  dnsSubdomainNames,
  duplicate,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  parseIp,
  required,
  tooMany,
  validateLabels,
  type FieldError,
} from '#libs/apimachinery';
import { notSpecial } from '../../core/v1/endpoints-validation.js';
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice } from '../../generated/types.js';
import { judge, oneOf, type Problems } from '../../problems.js';

const MOST_ENDPOINTS = 1000;
const MOST_ADDRESSES = 100;
const MOST_PORTS = 100;
const MOST_TOPOLOGY_LABELS = 16;

function address(into: Problems, field: string, text: string, type: string): void {
  if (type === 'IPv4' || type === 'IPv6') {
    if (parseIp(text)?.family !== Number(type.slice(3))) into.push(invalidValue(field, text, `must be a valid ${type} address`));
    notSpecial(into, field, text);
  } else if (type === 'FQDN') {
    if (text === '') into.push(required(field));
    else judge(into, field, text.replace(/\.$/, ''), isDns1123Subdomain);
    if (text !== '' && !text.replace(/\.$/, '').includes('.')) {
      into.push(invalidValue(field, text, 'should be a domain with at least two segments separated by dots'));
    }
  }
}

function endpoint(into: Problems, path: string, { addresses: list, ...one }: Endpoint, type: string): void {
  const addresses = list ?? [];
  if (addresses.length === 0) into.push(required(`${path}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > MOST_ADDRESSES) into.push(tooMany(`${path}.addresses`, addresses.length, MOST_ADDRESSES));
  for (const [index, text] of addresses.entries()) address(into, `${path}.addresses[${index}]`, text, type);
  if (one.nodeName !== undefined) judge(into, `${path}.nodeName`, one.nodeName, (name) => dnsSubdomainNames(name, false));
  const labels = Object.keys(one.deprecatedTopology ?? {}).length;
  if (labels > MOST_TOPOLOGY_LABELS) into.push(tooMany(`${path}.deprecatedTopology`, labels, MOST_TOPOLOGY_LABELS));
  into.push(...validateLabels(one.deprecatedTopology, `${path}.deprecatedTopology`));
  if (one.hostname !== undefined) judge(into, `${path}.hostname`, one.hostname, isDns1123Label);
}

function ports(into: Problems, list: readonly DiscoveryEndpointPort[]): void {
  const names = new Set<string>();
  for (const [index, { name = '', protocol, appProtocol }] of list.entries()) {
    const path = `ports[${index}]`;
    if (name !== '') judge(into, `${path}.name`, name, isDns1123Label);
    if (names.has(name)) into.push(duplicate(`${path}.name`, name));
    names.add(name);
    oneOf(into, `${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
    if (appProtocol !== undefined) judge(into, `${path}.appProtocol`, appProtocol, isQualifiedName);
  }
}

/** Every problem of a slice. */
export function validateEndpointSlice({ addressType, endpoints, ports: list }: EndpointSlice): readonly FieldError[] {
  const into: Problems = [];
  const all = endpoints ?? [];
  oneOf(into, 'addressType', addressType, ['FQDN', 'IPv4', 'IPv6']);
  if (all.length > MOST_ENDPOINTS) into.push(tooMany('endpoints', all.length, MOST_ENDPOINTS));
  else for (const [index, one] of all.entries()) endpoint(into, `endpoints[${index}]`, one, addressType);
  if ((list?.length ?? 0) > MOST_PORTS) into.push(tooMany('ports', list?.length ?? 0, MOST_PORTS));
  else ports(into, list ?? []);
  return into;
}
