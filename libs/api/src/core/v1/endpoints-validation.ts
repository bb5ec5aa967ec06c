import {
  dnsSubdomainNames,
  invalidValue,
  isDns1123Label,
  isQualifiedName,
  isValidPortNumber,
  parseIp,
  required,
  validateIpOfLegacyField,
  type FieldError,
  type IpAddress,
} from '#libs/apimachinery';
import type { EndpointAddress, EndpointPort, Endpoints } from '../../generated/types.js';
import { judge, oneOf, type Problems } from '../../problems.js';

const SPECIAL: readonly { readonly detail: string; readonly holds: (address: IpAddress) => boolean }[] = [
  {
    detail: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
    holds: ({ family, bytes }) => (family === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))),
  },
  {
    detail: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    holds: ({ family, bytes: [a = 0, b = 0] }) => (family === 4 ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80),
  },
  {
    detail: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    holds: ({ family, bytes: [a, b = 0, c] }) => (family === 4 ? a === 224 && b === 0 && c === 0 : a === 0xff && (b & 0x0f) === 2),
  },
];

/** An address that can be an endpoint: none that means "here", "anywhere" or "on this wire". */
export function notSpecial(into: Problems, field: string, text: string): void {
  const address = parseIp(text);
  if (!address) return void into.push(invalidValue(field, text, 'must be a valid IP address'));
  if (address.bytes.every((byte) => byte === 0)) into.push(invalidValue(field, text, `may not be unspecified (${text})`));
  for (const { detail, holds } of SPECIAL) if (holds(address)) into.push(invalidValue(field, text, detail));
}

function addressProblems(into: Problems, path: string, { ip, hostname, nodeName }: EndpointAddress): void {
  into.push(...validateIpOfLegacyField(`${path}.ip`, ip));
  if (hostname) judge(into, `${path}.hostname`, hostname, isDns1123Label);
  if (nodeName !== undefined) judge(into, `${path}.nodeName`, nodeName, (name) => dnsSubdomainNames(name, false));
  notSpecial(into, `${path}.ip`, ip);
}

function portProblems(into: Problems, path: string, { name, port, protocol, appProtocol }: EndpointPort, many: boolean): void {
  if (name) judge(into, `${path}.name`, name, isDns1123Label);
  else if (many) into.push(required(`${path}.name`));
  judge(into, `${path}.port`, port, isValidPortNumber);
  oneOf(into, `${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
  if (appProtocol !== undefined) judge(into, `${path}.appProtocol`, appProtocol, isQualifiedName);
}

/** Every problem of endpoints. */
export function validateEndpoints({ subsets }: Endpoints): readonly FieldError[] {
  const into: Problems = [];
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of (subsets ?? []).entries()) {
    const path = `subsets[${index}]`;
    if (addresses.length + notReadyAddresses.length === 0) into.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [i, one] of addresses.entries()) addressProblems(into, `${path}.addresses[${i}]`, one);
    for (const [i, one] of notReadyAddresses.entries()) addressProblems(into, `${path}.notReadyAddresses[${i}]`, one);
    for (const [i, one] of ports.entries()) portProblems(into, `${path}.ports[${i}]`, one, ports.length > 1);
  }
  return into;
}
