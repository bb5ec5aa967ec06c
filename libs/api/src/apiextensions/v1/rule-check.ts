import { ruleTreeOf, validateRules, type SchemaNode } from '#libs/custom-resources';
import type { RuleCheck } from './custom-strategy.js';

/** The CEL rules of a schema, compiled; undefined where it has none. */
export function ruleCheckOf(node: SchemaNode): RuleCheck | undefined {
  const tree = ruleTreeOf(node);
  return tree && ((value, old) => validateRules(tree, value, old));
}
