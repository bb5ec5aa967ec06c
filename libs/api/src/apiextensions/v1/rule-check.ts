import type { SchemaNode } from '#libs/custom-resources';
import type { RuleCheck } from './custom-strategy.js';

/** The CEL rules of a schema, compiled; undefined where it has none. */
export function ruleCheckOf(_node: SchemaNode): RuleCheck | undefined {
  return undefined;
}
