import { parseCidr, parseIp, type IpAddress } from '#libs/apimachinery';
import { addressPool, type Pool } from './pool.js';

const numberOf = ({ bytes }: IpAddress): number => [...bytes].reduce((number, byte) => number * 256 + byte, 0);

/** An IPv4 address as text. */
export const addressText = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

/** The addresses of a service range that can be handed out: not the network's own, not the broadcast address. */
export interface AddressRange {
  readonly pool: Pool;
  /** All of the block, network and broadcast addresses included. */
  readonly contains: (value: number) => boolean;
}

export function addressRange(cidr: string): AddressRange {
  const block = parseCidr(cidr);
  if (!block) throw new Error(`the range of service addresses is no CIDR block: ${cidr}`);
  const network = numberOf(block.network);
  const size = 2 ** (32 - block.prefixLength);
  return { pool: addressPool(network + 1, network + size - 2), contains: (value) => value >= network && value < network + size };
}

/** An IPv4 address as a number; undefined for anything else. */
export function addressNumber(text: string): number | undefined {
  const parsed = parseIp(text);
  return parsed?.family === 4 ? numberOf(parsed) : undefined;
}
