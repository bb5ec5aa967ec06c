import type { KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { PlannedWrite } from '../write.js';
import { askMutatingWebhooks } from './dynamic/webhooks.js';
import type { Attributes, Verdict } from './plugin.js';
import { MUTATING, VALIDATING } from './plugins.js';
import { Reinvocation } from './reinvocation.js';

function mutateOnce(given: Case, attributes: Attributes, start: KubeObject, reinvocation: Reinvocation): KubeObject {
  let object = start;
  for (const plugin of MUTATING) {
    if (!plugin.operations.includes(attributes.operation)) continue;
    object = plugin.mutate(object, { ...attributes, object }, given, reinvocation);
  }
  return object;
}

/**
 * The object after all mutating steps, in upstream's order; where a webhook or a policy has changed it, after a second
 * round of them. A deletion has none: its webhooks are asked, and it passes.
 */
export function mutate(given: Case, attributes: Attributes): KubeObject | undefined {
  const { object } = attributes;
  const reinvocation = new Reinvocation();
  if (object === undefined) {
    askMutatingWebhooks(undefined, attributes, given, reinvocation);
    return undefined;
  }
  const once = mutateOnce(given, attributes, object, reinvocation);
  if (!reinvocation.needed) return once;
  reinvocation.round = 1;
  return mutateOnce(given, attributes, once, reinvocation);
}

/** Asks all validating steps, in upstream's order. The first refusal counts; what was warned of before it is noted. */
export function admit(given: Case, attributes: Attributes): Required<Verdict> {
  const writes: PlannedWrite[] = [];
  const { warnings } = given.notes;
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
