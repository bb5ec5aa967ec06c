import type { KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { PlannedWrite } from '../write.js';
import type { Attributes, Verdict } from './plugin.js';
import { MUTATING, VALIDATING } from './plugins.js';

/** The object after all mutating steps, in upstream's order. A deletion has none and passes. */
export function mutate(given: Case, attributes: Attributes): KubeObject | undefined {
  let { object } = attributes;
  for (const plugin of MUTATING) {
    if (object === undefined || !plugin.operations.includes(attributes.operation)) continue;
    object = plugin.mutate(object, { ...attributes, object }, given);
  }
  return object;
}

/** Asks all validating steps, in upstream's order. The first refusal counts. */
export function admit(given: Case, attributes: Attributes): Required<Verdict> {
  const writes: PlannedWrite[] = [];
  const warnings: string[] = [];
  for (const plugin of MUTATING) {
    if (plugin.warnings && plugin.operations.includes(attributes.operation)) warnings.push(...plugin.warnings(attributes, given));
  }
  for (const plugin of VALIDATING) {
    if (!plugin.operations.includes(attributes.operation)) continue;
    const verdict = plugin.validate(attributes, given);
    writes.push(...(verdict?.writes ?? []));
    warnings.push(...(verdict?.warnings ?? []));
  }
  return { writes, warnings };
}
