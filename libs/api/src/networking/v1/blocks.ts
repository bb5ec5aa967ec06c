import { cidrContains, parseCidr } from '#libs/apimachinery';

/** Why a text is no block of addresses; undefined where it is one. */
export const blockProblem = (text: string): string | undefined =>
  parseCidr(text) ? undefined : 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** Whether one block is a strict part of another. */
export function isWithinBlock(text: string, outer: string): boolean {
  const inside = parseCidr(text);
  const around = parseCidr(outer);
  return inside !== undefined && around !== undefined && inside.prefixLength > around.prefixLength && cidrContains(around, inside.network);
}
