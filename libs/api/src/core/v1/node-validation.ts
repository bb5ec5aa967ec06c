import {
  deepEqual,
  duplicate,
  forbiddenField,
  invalidValue,
  parseCidr,
  validateCidrOfLegacyField,
  type FieldError,
} from '#libs/apimachinery';
import type { Node } from '../../generated/types.js';
import type { Problems } from '../../problems.js';
import { resourceAmount } from './resource-validation.js';
import { taints } from './scheduling-validation.js';

function amounts(into: Problems, { status }: Node): void {
  for (const member of ['capacity', 'allocatable'] as const) {
    for (const [name, quantity] of Object.entries(status?.[member] ?? {})) resourceAmount(into, `status.${member}.${name}`, name, quantity);
  }
}

/** Every problem of a new node. */
export function validateNode(node: Node): readonly FieldError[] {
  const into: Problems = [];
  taints(into, 'metadata.taints', node.spec?.taints);
  amounts(into, node);
  const ranges = node.spec?.podCIDRs ?? [];
  for (const [index, range] of ranges.entries()) into.push(...validateCidrOfLegacyField(`spec.podCIDRs[${index}]`, range));
  const families = new Set(ranges.map((range) => parseCidr(range)?.network.family));
  if (ranges.length > 1 && families.size < ranges.length) {
    into.push(invalidValue('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  }
  return into;
}

/** Every problem of a change of a node: its pod ranges and provider id never move once set. */
export function validateNodeUpdate(next: Node, old: Node): readonly FieldError[] {
  const into: Problems = [];
  amounts(into, next);
  const seen = new Set<string>();
  for (const [index, address] of (next.status?.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`;
    if (seen.has(key)) into.push(duplicate(`status.addresses[${index}]`, address));
    seen.add(key);
  }
  const before = old.spec?.podCIDRs ?? [];
  if (before.length > 0 && !deepEqual(before, next.spec?.podCIDRs ?? [])) {
    into.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && old.spec.providerID !== next.spec?.providerID) {
    into.push(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  taints(into, 'metadata.taints', next.spec?.taints);
  return into;
}
