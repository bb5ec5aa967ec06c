import { child, goJson, invalidValue, item, keyed, type FieldError } from '#libs/apimachinery';
import { ruleTreeOf, type CompiledRule, type RuleTree } from '../rules/compile.js';
import type { SchemaNode } from '../schema/node.js';
import type { ValidationRule } from '../types.js';
import { costProblems } from './rule-costs.js';

/** Every CEL rule of a schema that can't be compiled, or compares what can't be compared. */
export function validateCelRules(node: SchemaNode, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const tree = ruleTreeOf(node);
  if (!tree) return errors;
  walk(tree, path, undefined, errors);
  errors.push(...costProblems(tree, path));
  return errors;
}

/** A rule as Go prints upstream's internal type. */
const shown = ({ rule, message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: ValidationRule): unknown => ({
  Rule: rule,
  Message: message,
  MessageExpression: messageExpression,
  Reason: reason ?? null,
  FieldPath: fieldPath,
  OptionalOldSelf: optionalOldSelf ?? null,
});

/** `uncorrelatable`: the outermost place above whose parts are not known again in the old state. */
function walk(tree: RuleTree, path: string, uncorrelatable: string | undefined, errors: FieldError[]): void {
  tree.rules.forEach((compiled, index) => judge(compiled, item(child(path, 'x-kubernetes-validations'), index), uncorrelatable, errors));
  const members = uncorrelatable ?? (tree.node.mapType === 'atomic' ? path : undefined);
  for (const [name, inner] of tree.properties) walk(inner, keyed(child(path, 'properties'), name), members, errors);
  if (tree.additional) walk(tree.additional, child(path, 'additionalProperties'), uncorrelatable, errors);
  if (tree.items) walk(tree.items, child(path, 'items'), uncorrelatable ?? (tree.node.listType === 'map' ? undefined : path), errors);
}

function judge(compiled: CompiledRule, path: string, uncorrelatable: string | undefined, errors: FieldError[]): void {
  const { rule, problem, messageProblem, usesOldSelf } = compiled;
  const wrong = (field: string, detail: string): FieldError => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${goJson(shown(rule))}: ${detail}`,
    field,
  });
  if (problem !== undefined) errors.push(wrong(child(path, 'rule'), problem));
  if (messageProblem !== undefined) errors.push(wrong(child(path, 'messageExpression'), messageProblem));
  if (problem !== undefined) return;
  if (usesOldSelf && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    errors.push(invalidValue(child(path, 'rule'), rule.rule, detail));
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    errors.push(invalidValue(child(path, 'optionalOldSelf'), rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  }
}
