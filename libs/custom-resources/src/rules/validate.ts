import { Optional, type Evaluated, type Program } from '#libs/cel';
import {
  child,
  deepEqual,
  duplicate,
  forbiddenField,
  invalidValue,
  item,
  keyed,
  required,
  isJsonObject,
  ownMember,
  type FieldError,
} from '#libs/apimachinery';
import { NOWHERE } from '../validation/problems.js';
import type { CompiledRule, RuleTree } from './compile.js';

/** What one evaluation may cost, and all of one object together (apiserver `cel/limits.go`). */
const PER_CALL = 1_000_000;
const PER_OBJECT = 10_000_000;
/** The longest message that an expression may give. */
const LONGEST_MESSAGE = 5 * 1024;

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

interface Run {
  left: number;
  readonly errors: FieldError[];
}

/**
 * Every rule that an object breaks, in upstream's words. `old` is the object before; undefined for a new one. A rule
 * that does not compare with the old state is not asked about what has not changed.
 */
export function validateRules(tree: RuleTree, value: unknown, old: unknown): readonly FieldError[] {
  const run: Run = { left: PER_OBJECT, errors: [] };
  walk(tree, value, old, '', run);
  return run.errors;
}

const fieldOf = (path: string): string => (path === '' ? NOWHERE : path);

/** False: the budget is spent. */
function walk(tree: RuleTree, value: unknown, old: unknown, path: string, run: Run): boolean {
  if (value === null || value === undefined) return true;
  const unchanged = old !== undefined && deepEqual(value, old);
  for (const compiled of tree.rules) if (!check(compiled, tree, value, old, path, unchanged, run)) return false;
  if (Array.isArray(value)) return walkItems(tree, value as readonly unknown[], old, path, run);
  if (!isJsonObject(value)) return true;
  const before = isJsonObject(old) && tree.node.mapType !== 'atomic' ? old : undefined;
  for (const [name, inner] of tree.properties) {
    if (!walk(inner, ownMember(value, name), ownMember(before, name), child(path, name), run)) return false;
  }
  const { additional } = tree;
  if (additional === undefined) return true;
  return Object.entries(value).every(
    ([name, member]) => tree.node.properties.has(name) || walk(additional, member, ownMember(before, name), keyed(path, name), run),
  );
}

function walkItems(tree: RuleTree, list: readonly unknown[], old: unknown, path: string, run: Run): boolean {
  const { items, node } = tree;
  if (items === undefined) return true;
  const keyOf = (one: unknown): string =>
    JSON.stringify(node.listMapKeys.map((key) => (isJsonObject(one) ? ownMember(one, key) : undefined)));
  const before =
    node.listType === 'map' && Array.isArray(old)
      ? new Map((old as readonly unknown[]).map((one) => [keyOf(one), one]))
      : new Map<string, unknown>();
  return list.every((one, index) => walk(items, one, before.get(keyOf(one)), item(path, index), run));
}

function evaluate(program: Program, variables: (name: string) => unknown, run: Run): Evaluated {
  const result = program.evaluate(variables, Math.min(PER_CALL, run.left));
  run.left -= result.cost;
  return result;
}

const ruleText = ({ rule }: CompiledRule): string => (rule.message ? rule.message : rule.rule).trim();

function check(compiled: CompiledRule, tree: RuleTree, value: unknown, old: unknown, path: string, unchanged: boolean, run: Run): boolean {
  const { rule, program, usesOldSelf } = compiled;
  const type = tree.node.type;
  const fail = (detail: string): void => void run.errors.push(invalidValue(fieldOf(path), type, detail));
  if (compiled.problem !== undefined || program === undefined) {
    fail(`rule compile error: ${compiled.problem ?? ''}`);
    return true;
  }
  const optional = rule.optionalOldSelf === true;
  if (usesOldSelf ? old === undefined && !optional : unchanged) return true;
  const before = optional ? (old === undefined ? Optional.NONE : new Optional(old as never)) : old;
  const variables = (name: string): unknown => (name === 'self' ? value : before);
  const result = evaluate(program, variables, run);
  if (run.left <= 0) {
    fail(OUT_OF_BUDGET);
    return false;
  }
  if ('error' in result) return reportError(result, compiled, fail);
  if (result.value === true) return true;
  run.errors.push(broken(compiled, type, path, messageOf(compiled, variables, run)));
  if (run.left > 0) return true;
  fail(OUT_OF_BUDGET);
  return false;
}

function reportError(
  result: Extract<Evaluated, { readonly error: string }>,
  compiled: CompiledRule,
  fail: (detail: string) => void,
): boolean {
  const { error, exhausted } = result;
  if (exhausted) {
    fail(`'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(compiled)}`);
    return false;
  }
  if (error.startsWith('no such overload')) {
    const why = 'call arguments did not match a supported operator, function or macro signature for rule';
    fail(`'${error}': ${why}: ${ruleText(compiled)}`);
    return true;
  }
  fail(`${error} evaluating rule: ${ruleText(compiled)}`);
  return true;
}

/** What to say of a broken rule: its expression's message where that gives one that can be shown, else its own. */
function messageOf({ rule, message }: CompiledRule, variables: (name: string) => unknown, run: Run): string {
  const said = rule.message?.trim();
  const plain = said ? said : `failed rule: ${rule.rule.trim()}`;
  if (message === undefined || run.left <= 0) return plain;
  const result = evaluate(message, variables, run);
  if ('error' in result || typeof result.value !== 'string') return plain;
  const text = result.value.trim();
  return text === '' || text.length > LONGEST_MESSAGE || /[\n\r]/.test(text) ? plain : text;
}

/** A rule's field path as errors print it: `.spec['a.b']` below the place of the rule. */
function below(path: string, fieldPath: string): string {
  let at = path;
  for (const [, dotted, quoted] of fieldPath.matchAll(/\.([^.[]+)|\['((?:[^'\\]|\\.)*)'\]/g)) {
    at = dotted === undefined ? child(at, (quoted ?? '').replace(/\\(.)/g, '$1')) : child(at, dotted);
  }
  return at;
}

function broken({ rule }: CompiledRule, type: string, path: string, detail: string): FieldError {
  const field = fieldOf(rule.fieldPath ? below(path, rule.fieldPath) : path);
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, type);
    default:
      return invalidValue(field, type, detail);
  }
}
