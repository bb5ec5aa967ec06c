import { addQuantities, compareQuantities, subtractQuantities } from '#libs/apimachinery';
import type { ResourceList } from '../core/v1/resource-list.js';

/** Amounts of the names that a quota limits. */
export const limitedTo = (hard: ResourceList, used: ResourceList): ResourceList =>
  Object.fromEntries(Object.entries(used).filter(([name]) => hard[name] !== undefined));

/** By how much `next` differs from `before`, name by name; below zero where something is given back. Zeros are left out. */
export function increaseOf(next: ResourceList, before: ResourceList): ResourceList {
  const by: Record<string, string> = {};
  for (const name of new Set([...Object.keys(next), ...Object.keys(before)])) {
    const amount = next[name] ?? '0';
    const was = before[name] ?? '0';
    if (compareQuantities(amount, was) !== 0) by[name] = was === '0' ? amount : subtractQuantities(amount, was);
  }
  return by;
}

/** A sum, name by name. */
export function withAdded(sum: ResourceList, more: ResourceList): ResourceList {
  const next: Record<string, string> = { ...sum };
  for (const [name, amount] of Object.entries(more)) {
    const was = next[name];
    next[name] = was === undefined || was === '0' ? amount : addQuantities(was, amount);
  }
  return next;
}

/** Whether one amount is more than another. */
export const isOver = (amount: string, limit: string): boolean => compareQuantities(amount, limit) > 0;
