import { BOOL, KEYWORDS, type CelType } from '#libs/cel';
import { duplicate, invalidValue, isQualifiedName, required, tooMany } from '#libs/apimachinery';
import type { MatchCondition, Variable } from '../../generated/types.js';
import { judge, type Problems } from '../../problems.js';
import { compileAdmissionExpression, type ExpressionScope } from '../expressions.js';

const MOST_CONDITIONS = 64;
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** One expression: it must be there, compile, and evaluate to one of the types. Gives its type. */
export function validateExpression(
  into: Problems,
  path: string,
  expression: string | undefined,
  scope: ExpressionScope,
  returns: readonly CelType[],
  missing = '',
): CelType | undefined {
  if (!expression || expression.trim() === '') {
    into.push(required(path, missing));
    return undefined;
  }
  const compiled = compileAdmissionExpression(expression, scope, returns);
  if ('program' in compiled) return compiled.program.type;
  into.push(invalidValue(path, expression, compiled.problem));
  return undefined;
}

/** The conditions on which a webhook or policy is asked at all. */
export function validateMatchConditions(
  into: Problems,
  path: string,
  conditions: readonly MatchCondition[] | undefined,
  scope: ExpressionScope,
): void {
  const list = conditions ?? [];
  if (list.length > MOST_CONDITIONS) into.push(tooMany(path, list.length, MOST_CONDITIONS));
  const seen = new Set<string>();
  list.forEach(({ name, expression }, i) => {
    validateExpression(into, `${path}[${i}].expression`, expression, scope, [BOOL]);
    if (!name) return void into.push(required(`${path}[${i}].name`));
    judge(into, `${path}[${i}].name`, name, isQualifiedName);
    if (seen.has(name)) into.push(duplicate(`${path}[${i}].name`, name));
    seen.add(name);
  });
}

/** A policy's variables, each of which may name those before it; gives their types. */
export function validateVariables(
  into: Problems,
  path: string,
  variables: readonly Variable[] | undefined,
  scope: ExpressionScope,
): Readonly<Record<string, CelType>> {
  const types: Record<string, CelType> = {};
  (variables ?? []).forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`;
    if (!name) into.push(required(`${at}.name`, 'name is not specified'));
    else if (!IDENTIFIER.test(name) || KEYWORDS.has(name))
      into.push(invalidValue(`${at}.name`, name, 'name is not a valid CEL identifier'));
    else if (types[name]) into.push(duplicate(`${at}.name`, name));
    const type = validateExpression(
      into,
      `${at}.expression`,
      expression,
      { ...scope, variables: types },
      [],
      'expression is not specified',
    );
    if (name) types[name] = type ?? { kind: 'dyn' };
  });
  return types;
}
