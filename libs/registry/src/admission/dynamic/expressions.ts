import { compileAdmissionExpression, type AdmissionExpression, type ExpressionScope } from '#libs/api';
import { BOOL, type CelType, type Value } from '#libs/cel';
import type { Activation } from './activation.js';

/** Upstream's budgets (apiserver `apis/cel/config.go`): of one evaluation, of a policy's, of match conditions. */
export const PER_CALL_LIMIT = 1_000_000;
export const POLICY_BUDGET = 10_000_000;
export const CONDITIONS_BUDGET = 2_500_000;

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** The budget is used up: nothing more is evaluated. */
export class OutOfBudget extends Error {
  constructor() {
    super(OUT_OF_BUDGET);
  }
}

/** One expression of a webhook or policy. */
export interface Expression {
  readonly text: string;
  readonly compiled: AdmissionExpression;
}

/** What is left of a budget, as evaluations draw on it. */
export class Budget {
  constructor(private left: number) {}

  get limit(): number {
    return Math.min(this.left, PER_CALL_LIMIT);
  }

  spend(cost: number): void {
    this.left -= cost;
    if (this.left < 0) throw new OutOfBudget();
  }
}

/** Compiled expressions, by their text and what they may name: a policy that is updated keeps most of its own. */
export const expressionOf = (text: string, scope: ExpressionScope, returns: readonly CelType[]): Expression => ({
  text,
  compiled: compileAdmissionExpression(text, scope, returns),
});

/** A value, or upstream's sentence of why there is none. Throws OutOfBudget. */
export function evaluate(
  { text, compiled }: Expression,
  activation: Activation,
  budget: Budget,
): { readonly value: Value } | { readonly error: string } {
  if ('problem' in compiled) return { error: `compilation error: ${compiled.problem}` };
  const { limit } = budget;
  const result = compiled.program.evaluate(activation, limit);
  budget.spend('error' in result && result.exhausted && limit < PER_CALL_LIMIT ? result.cost + limit : result.cost);
  return 'error' in result ? { error: `expression '${text}' resulted in error: ${result.error}` } : { value: result.value };
}

/** Conditions on which a webhook or policy is asked at all. */
export type Conditions = readonly Expression[];

export const conditionsOf = (conditions: readonly { readonly expression: string }[] | undefined, scope: ExpressionScope): Conditions =>
  (conditions ?? []).map(({ expression }) => expressionOf(expression, scope, [BOOL]));

/** Whether all hold. One that is false decides; else errors fail or, where failures are ignored, don't match. */
export function conditionsHold(
  conditions: Conditions,
  activation: Activation,
  ignoreFailure: boolean,
): boolean | { readonly error: string } {
  if (conditions.length === 0) return true;
  const budget = new Budget(CONDITIONS_BUDGET);
  const errors: string[] = [];
  try {
    for (const condition of conditions) {
      const result = evaluate(condition, activation, budget);
      if ('error' in result) errors.push(result.error);
      else if (result.value === false) return false;
    }
  } catch (thrown) {
    if (!(thrown instanceof OutOfBudget)) throw thrown;
    return ignoreFailure ? false : { error: thrown.message };
  }
  if (errors.length === 0) return true;
  return ignoreFailure ? false : { error: errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]` };
}
