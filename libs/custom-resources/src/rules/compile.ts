import { BOOL, compile, optionalOf, STRING, yields, type CelType, type Program } from '#libs/cel';
import type { SchemaNode } from '../schema/node.js';
import type { ValidationRule } from '../types.js';
import { celTypeOf } from './cel-type.js';

/** One rule of a schema, compiled, or what is wrong with it. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program | undefined;
  readonly message: Program | undefined;
  /** What is wrong with the rule, in upstream's words. */
  readonly problem?: string;
  readonly messageProblem?: string;
  /** Whether it compares with what the value was before. */
  readonly usesOldSelf: boolean;
}

/** The rules of a place and of all below it; only places that have some, or that lead to some. */
export interface RuleTree {
  readonly node: SchemaNode;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly additional: RuleTree | undefined;
  readonly items: RuleTree | undefined;
}

/** Compiles the rules of a schema; undefined where it has none. */
export function ruleTreeOf(node: SchemaNode, isResource = true): RuleTree | undefined {
  if (!node.ruled) return undefined;
  const properties = new Map<string, RuleTree>();
  for (const [name, inner] of node.properties) {
    const tree = ruleTreeOf(inner, false);
    if (tree) properties.set(name, tree);
  }
  const type = node.rules.length > 0 ? celTypeOf(node, isResource) : undefined;
  return {
    node,
    rules: node.rules.map((rule) => compileRule(rule, type)),
    properties,
    additional: node.additional && ruleTreeOf(node.additional, false),
    items: node.items && ruleTreeOf(node.items, false),
  };
}

function compileRule(rule: ValidationRule, self: CelType | undefined): CompiledRule {
  if (self === undefined) {
    const problem = 'compilation failed: the type of the value is not known';
    return { rule, program: undefined, message: undefined, problem, usesOldSelf: false };
  }
  const alone = { self };
  const both = { self, oldSelf: rule.optionalOldSelf === true ? optionalOf(self) : self };
  const simple = compile(rule.rule, { variables: alone });
  const compiled = 'program' in simple ? simple : compile(rule.rule, { variables: both });
  const usesOldSelf = !('program' in simple) && 'program' in compiled;
  const base = { rule, usesOldSelf };
  if (!('program' in compiled)) {
    return { ...base, program: undefined, message: undefined, problem: `compilation failed: ${compiled.problem}` };
  }
  if (!yields(compiled.program, BOOL)) {
    return { ...base, program: undefined, message: undefined, problem: 'cel expression must evaluate to a bool' };
  }
  return { ...base, program: compiled.program, ...compileMessage(rule, usesOldSelf ? both : alone) };
}

function compileMessage(
  { messageExpression = '' }: ValidationRule,
  variables: Readonly<Record<string, CelType>>,
): Pick<CompiledRule, 'message' | 'messageProblem'> {
  if (messageExpression.trim() === '') return { message: undefined };
  const compiled = compile(messageExpression, { variables });
  if (!('program' in compiled)) {
    return { message: undefined, messageProblem: `messageExpression compilation failed: ${compiled.problem}` };
  }
  if (!yields(compiled.program, STRING)) return { message: undefined, messageProblem: 'messageExpression must evaluate to a string' };
  return { message: compiled.program };
}
