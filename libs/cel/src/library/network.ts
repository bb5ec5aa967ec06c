import { cidrContains, formatCidr, formatIp, parseCidr, parseIp, type CidrBlock, type IpAddress } from '#libs/apimachinery';
import { CelError, Opaque, type Value } from '../evaluation/values.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';

const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

class IpValue extends Opaque {
  readonly type = 'net.IP';
  constructor(readonly address: IpAddress) {
    super();
  }
  equals(other: Opaque): boolean {
    return other instanceof IpValue && same(this.address.bytes, other.address.bytes);
  }
}

class CidrValue extends Opaque {
  readonly type = 'net.CIDR';
  constructor(readonly block: CidrBlock) {
    super();
  }
  equals(other: Opaque): boolean {
    return (
      other instanceof CidrValue &&
      this.block.prefixLength === other.block.prefixLength &&
      same(this.block.address.bytes, other.block.address.bytes)
    );
  }
}

/** What is wrong with an address, in the words of Go's netip; undefined: nothing. */
function problemOfIp(text: string): string | undefined {
  if (text.includes('%')) return `IP Address "${text}" with zone value is not allowed`;
  const address = parseIp(text);
  if (!address || address.leadingZeros)
    return `IP Address "${text}" parse error during conversion from string: ParseAddr("${text}"): unable to parse IP`;
  return address.mapped ? `IPv4-mapped IPv6 address "${text}" is not allowed` : undefined;
}

function ip(text: string): IpValue {
  const problem = problemOfIp(text);
  const address = parseIp(text);
  if (problem !== undefined || !address) throw new CelError(problem ?? 'invalid IP');
  return new IpValue(address);
}

function problemOfCidr(text: string): string | undefined {
  const block = parseCidr(text);
  if (!block || block.leadingZeros || text.includes('%'))
    return `network address parse error during conversion from string: netip.ParsePrefix("${text}"): no '/'`;
  return block.address.mapped ? 'IPv4-mapped IPv6 address is not allowed' : undefined;
}

function cidr(text: string): CidrValue {
  const problem = problemOfCidr(text);
  const block = parseCidr(text);
  if (problem !== undefined || !block) throw new CelError(problem ?? 'invalid CIDR');
  return new CidrValue(block);
}

const startsWith = (address: IpAddress, bytes: readonly number[], mask: readonly number[]): boolean =>
  mask.every((bits, i) => ((address.bytes[i] ?? 0) & bits) === bytes[i]);
const zeros = (address: IpAddress, last: number): boolean =>
  address.bytes.every((byte, i) => byte === (i === address.bytes.length - 1 ? last : 0));
const isLoopback = (a: IpAddress): boolean => (a.family === 4 ? a.bytes[0] === 127 : zeros(a, 1));
const isLinkLocalMulticast = (a: IpAddress): boolean =>
  a.family === 4 ? startsWith(a, [224, 0, 0], [255, 255, 255]) : startsWith(a, [0xff, 0x02], [0xff, 0x0f]);
const isLinkLocalUnicast = (a: IpAddress): boolean =>
  a.family === 4 ? startsWith(a, [169, 254], [255, 255]) : startsWith(a, [0xfe, 0x80], [0xff, 0xc0]);
const isMulticast = (a: IpAddress): boolean => (a.family === 4 ? startsWith(a, [224], [0xf0]) : a.bytes[0] === 0xff);
const isUnspecified = (a: IpAddress): boolean => zeros(a, 0);
const isGlobalUnicast = (a: IpAddress): boolean =>
  !isUnspecified(a) &&
  !isLoopback(a) &&
  !isMulticast(a) &&
  !isLinkLocalUnicast(a) &&
  !(a.family === 4 && a.bytes.every((byte) => byte === 255));

const address = (value: Value | undefined): IpAddress => (value as IpValue).address;
const block = (value: Value | undefined): CidrBlock => (value as CidrValue).block;
const ofText =
  (factor: number): CostOf =>
  ([text]) =>
    Math.ceil((text as string).length * factor * TRAVERSAL);
const bytesIn = (value: Value | undefined): number => block(value).address.bytes.length;
const ofIp: CostOf = ([range, other]) =>
  Math.ceil(2 * bytesIn(range) * TRAVERSAL) + (typeof other === 'string' ? Math.ceil(other.length * TRAVERSAL) : 0);
const ofCidr: CostOf = (args, result) => ofIp(args, result) + Math.ceil(bytesIn(args[0]) * TRAVERSAL) + 1;

const containsCidr = (outer: CidrBlock, inner: CidrBlock): boolean =>
  outer.prefixLength <= inner.prefixLength && cidrContains(outer, inner.address);
const IPS: Readonly<Record<string, (a: IpAddress) => boolean>> = {
  isUnspecified,
  isLoopback,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isGlobalUnicast,
};

const ips: readonly Overload[] = [
  global('ip(string): net.IP', ([text]) => ip(text as string), ofText(1)),
  global('isIP(string): bool', ([text]) => problemOfIp(text as string) === undefined, ofText(1)),
  global('ip.isCanonical(string): bool', ([text]) => formatIp(ip(text as string).address) === text, ofText(2)),
  global('string(net.IP): string', ([a]) => formatIp(address(a))),
  member('net.IP.family(): int', ([a]) => BigInt(address(a).family)),
  ...Object.entries(IPS).map(([name, test]) => member(`net.IP.${name}(): bool`, ([a]) => test(address(a)))),
];

const cidrs: readonly Overload[] = [
  global('cidr(string): net.CIDR', ([text]) => cidr(text as string), ofText(1)),
  global('isCIDR(string): bool', ([text]) => problemOfCidr(text as string) === undefined, ofText(1)),
  global('string(net.CIDR): string', ([a]) => `${formatIp(block(a).address)}/${block(a).prefixLength}`),
  member('net.CIDR.containsIP(net.IP): bool', ([range, a]) => cidrContains(block(range), address(a)), ofIp),
  member('net.CIDR.containsIP(string): bool', ([range, text]) => cidrContains(block(range), ip(text as string).address), ofIp),
  member('net.CIDR.containsCIDR(net.CIDR): bool', ([range, other]) => containsCidr(block(range), block(other)), ofCidr),
  member('net.CIDR.containsCIDR(string): bool', ([range, text]) => containsCidr(block(range), cidr(text as string).block), ofCidr),
  member('net.CIDR.ip(): net.IP', ([range]) => new IpValue(block(range).address)),
  member('net.CIDR.prefixLength(): int', ([range]) => BigInt(block(range).prefixLength)),
  member('net.CIDR.masked(): net.CIDR', ([range]) => cidr(formatCidr(block(range)))),
];

/** Kubernetes' addresses and address ranges. */
export const NETWORK: readonly Overload[] = [...ips, ...cidrs];
