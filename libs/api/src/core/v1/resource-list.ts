import { addQuantities, canonicalQuantity, compareQuantities, ownMember } from '#libs/apimachinery';
import { within } from '../../defaulting.js';
import type { ResourceRequirements } from '../../generated/types.js';

/** Amounts by resource name, as canonical quantities: upstream's ResourceList. */
export type ResourceList = Readonly<Record<string, string>>;

const FINE = /^(-?\d+)([nu])$/;

/** A canonical quantity rounded up to thousandths, the finest that resources keep. */
function roundedUp(quantity: string): string {
  const match = FINE.exec(quantity);
  if (!match) return quantity;
  const [, digits = '0', unit] = match;
  const divisor = unit === 'n' ? 1_000_000n : 1_000n;
  const amount = BigInt(digits);
  const whole = amount / divisor;
  return canonicalQuantity(`${amount > 0n && whole * divisor !== amount ? whole + 1n : whole}m`);
}

/** Amounts finer than a thousandth are rounded up (SetDefaults_ResourceList). */
export function roundedList(list: ResourceList): ResourceList {
  for (const name in list) {
    if (FINE.test(list[name] ?? '')) return Object.fromEntries(Object.entries(list).map(([key, value]) => [key, roundedUp(value)]));
  }
  return list;
}

/** The same for limits and requests. */
export const roundedResources = (resources: ResourceRequirements): ResourceRequirements =>
  within(within(resources, 'limits', roundedList), 'requests', roundedList);

/** Adds amounts to a sum. */
export function addTo(sum: Record<string, string>, list: ResourceList | undefined): void {
  for (const name in list) {
    const amount = list[name] ?? '0';
    const before = ownMember(sum, name);
    sum[name] = before === undefined ? amount : addQuantities(before, amount);
  }
}

/** Raises amounts to those of another list where these are larger. */
export function raiseTo(most: Record<string, string>, list: ResourceList | undefined): void {
  for (const name in list) {
    const amount = list[name] ?? '0';
    const before = ownMember(most, name);
    if (before === undefined || compareQuantities(before, amount) < 0) most[name] = amount;
  }
}
