import { child, forbiddenField, item, keyed, type FieldError } from '#libs/apimachinery';
import { DYN, largestOf, listOf, mapOf, STRING, type CelType, type Program } from '#libs/cel';
import { celTypeOf } from '../rules/cel-type.js';
import type { RuleTree } from '../rules/compile.js';
import type { SchemaNode } from '../schema/node.js';

/** What one rule may cost by estimate, over all places it applies to, and all rules of a schema together (apiextensions `validation.go`). */
const RULE_LIMIT = 10_000_000;
const SCHEMA_LIMIT = 100_000_000;
const MOST_FACTOR = 100;

const ADVICE = 'or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';

function tooExpensive(what: string, cost: number, limit: number, simplify: string): string {
  const factor = cost / limit > MOST_FACTOR ? `more than ${MOST_FACTOR}x` : `${(cost / limit).toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${factor} (try ${simplify}, ${ADVICE})`;
}

const typeOf = (node: SchemaNode | undefined): CelType => (node && celTypeOf(node, false)) ?? DYN;

interface Totals {
  cost: number;
  readonly errors: FieldError[];
}

function judge(program: Program | undefined, times: number, path: string, what: string, totals: Totals): void {
  if (!program) return;
  const cost = program.estimatedCost() * times;
  totals.cost += cost;
  if (cost > RULE_LIMIT) totals.errors.push(forbiddenField(path, tooExpensive(what, cost, RULE_LIMIT, 'simplifying the rule')));
}

/** `times`: how many places of one object a rule can apply to. */
function walk(tree: RuleTree, path: string, times: number, totals: Totals): void {
  tree.rules.forEach(({ program, message }, index) => {
    const at = item(child(path, 'x-kubernetes-validations'), index);
    judge(program, times, child(at, 'rule'), 'estimated rule cost', totals);
    judge(message, times, child(at, 'messageExpression'), 'estimated messageExpression cost', totals);
  });
  const { node } = tree;
  for (const [name, inner] of tree.properties) walk(inner, keyed(child(path, 'properties'), name), times, totals);
  if (tree.additional) {
    const most = node.schema.maxProperties ?? largestOf(mapOf(STRING, typeOf(node.additional)));
    walk(tree.additional, child(path, 'additionalProperties'), times * most, totals);
  }
  if (tree.items) walk(tree.items, child(path, 'items'), times * (node.schema.maxItems ?? largestOf(listOf(typeOf(node.items)))), totals);
}

/** Rules that could cost too much on the largest object that the schema allows. */
export function costProblems(tree: RuleTree, path: string): readonly FieldError[] {
  const totals: Totals = { cost: 0, errors: [] };
  walk(tree, path, 1, totals);
  if (totals.cost <= SCHEMA_LIMIT) return totals.errors;
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
  return [...totals.errors, forbiddenField(path, tooExpensive(what, totals.cost, SCHEMA_LIMIT, 'simplifying the rule(s)'))];
}
