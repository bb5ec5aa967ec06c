import { invalidValue, type FieldError } from './field-error.js';
import { quoted } from './quote.js';

/** An address as bytes: 4 for IPv4, 16 for IPv6. An IPv4-mapped IPv6 address counts as IPv4, as in Go's `net.IP`. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly bytes: readonly number[];
  /** Written as `::ffff:1.2.3.4`. */
  readonly mapped: boolean;
  /** Written with leading zeros in a decimal part, which some software reads as octal. */
  readonly leadingZeros: boolean;
}

/** An address range: its first address and how many bits are fixed. */
export interface CidrBlock {
  readonly address: IpAddress;
  /** The address with the bits beyond the prefix cleared. */
  readonly network: IpAddress;
  readonly prefixLength: number;
  readonly leadingZeros: boolean;
}

const of = (bytes: readonly number[], mapped = false, leadingZeros = false): IpAddress => ({
  family: bytes.length === 4 ? 4 : 6,
  bytes,
  mapped,
  leadingZeros,
});

function decimalParts(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let leadingZeros = false;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^\d+$/.test(part)) return undefined;
    if (part.length > 1 && part.startsWith('0')) leadingZeros = true;
    const byte = Number(part);
    if (byte > 255) return undefined;
    bytes.push(byte);
  }
  return of(bytes, false, leadingZeros);
}

function words(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const tail = last && index === parts.length - 1 ? decimalParts(part) : undefined;
      if (!tail || tail.leadingZeros) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = tail.bytes;
      out.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(parseInt(part, 16));
    else return undefined;
  }
  return out;
}

function hexWords(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = words(halves[0] ?? '', halves.length === 1);
  const tail = words(halves[1] ?? '', true);
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const bytes = all.flatMap((word) => [word >> 8, word & 255]);
  const mapped = all.slice(0, 5).every((word) => word === 0) && all[5] === 0xffff;
  return mapped ? of(bytes.slice(12), true) : of(bytes);
}

/** Reads an address as upstream's `ParseIPSloppy`: leading zeros in IPv4 are accepted (and told). Undefined: not an address. */
export const parseIp = (text: string): IpAddress | undefined => (text.includes(':') ? hexWords(text) : decimalParts(text));

/** The canonical text of an address: RFC 5952 for IPv6. */
export function formatIp({ family, bytes }: IpAddress): string {
  if (family === 4) return bytes.join('.');
  const all = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0));
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && all[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const text = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return start < 0 ? text(all) : `${text(all.slice(0, start))}::${text(all.slice(start + length))}`;
}

function masked(address: IpAddress, prefixLength: number): IpAddress {
  const bytes = address.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - 8 * i))) & 255);
  return { ...address, bytes };
}

/** Reads `address/prefix length`, leading zeros accepted (and told). Undefined: not a range. */
export function parseCidr(text: string): CidrBlock | undefined {
  const slash = text.indexOf('/');
  const length = text.slice(slash + 1);
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  if (!address || !/^\d{1,3}$/.test(length)) return undefined;
  const written = Number(length);
  if (written > (address.family === 4 && !address.mapped ? 32 : 128)) return undefined;
  const prefixLength = address.mapped ? written - 96 : written;
  if (prefixLength < 0) return undefined;
  const leadingZeros = address.leadingZeros || (length.length > 1 && length.startsWith('0'));
  return { address, network: masked(address, prefixLength), prefixLength, leadingZeros };
}

/** The canonical text of a range: its network and prefix length. */
export const formatCidr = ({ network, prefixLength }: CidrBlock): string => `${formatIp(network)}/${prefixLength}`;

/** Whether an address lies in a range of the same family. */
export const cidrContains = (block: CidrBlock, address: IpAddress): boolean =>
  block.network.family === address.family && masked(address, block.prefixLength).bytes.every((byte, i) => byte === block.network.bytes[i]);

const NONE: readonly FieldError[] = [];

function strictProblems(field: string, value: string): readonly FieldError[] {
  const address = parseIp(value);
  if (!address) return [invalidValue(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  if (address.leadingZeros) return [invalidValue(field, value, 'must not have leading 0s')];
  if (address.mapped) return [invalidValue(field, value, 'must not be an IPv4-mapped IPv6 address')];
  return NONE;
}

/** Fields of today: an address in its canonical form. */
export function validateIp(field: string, value: string): readonly FieldError[] {
  const problems = strictProblems(field, value);
  const address = parseIp(value);
  if (problems.length > 0 || !address || formatIp(address) === value) return problems;
  return [invalidValue(field, value, `must be in canonical form (${quoted(formatIp(address))})`)];
}

/** Fields from before canonical forms: unambiguous addresses, and whatever the old object already had. */
export const validateIpOfLegacyField = (field: string, value: string, validOld: readonly string[] = []): readonly FieldError[] =>
  validOld.includes(value) ? NONE : strictProblems(field, value);

function strictCidrProblems(field: string, value: string): readonly FieldError[] {
  const block = parseCidr(value);
  if (!block) return [invalidValue(field, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
  if (block.leadingZeros) return [invalidValue(field, value, 'must not have leading 0s in IP or prefix length')];
  if (block.address.mapped) return [invalidValue(field, value, 'must not have an IPv4-mapped IPv6 address')];
  if (block.address.bytes.some((byte, i) => byte !== block.network.bytes[i])) {
    return [invalidValue(field, value, 'must not have bits set beyond the prefix length')];
  }
  return NONE;
}

/** Fields of today: a range in its canonical form. */
export function validateCidr(field: string, value: string): readonly FieldError[] {
  const problems = strictCidrProblems(field, value);
  const block = parseCidr(value);
  if (problems.length > 0 || !block || formatCidr(block) === value) return problems;
  return [invalidValue(field, value, `must be in canonical form (${quoted(formatCidr(block))})`)];
}

/** Fields from before canonical forms: unambiguous ranges, and whatever the old object already had. */
export const validateCidrOfLegacyField = (field: string, value: string, validOld: readonly string[] = []): readonly FieldError[] =>
  validOld.includes(value) ? NONE : strictCidrProblems(field, value);
