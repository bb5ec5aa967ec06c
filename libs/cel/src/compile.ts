import { check } from './checking/check.js';
import { estimateCost } from './estimation/estimate.js';
import type { Environment } from './environment.js';
import { Meter } from './evaluation/meter.js';
import { plan } from './evaluation/plan.js';
import type { Planner } from './evaluation/step.js';
import { CelError, CostExceeded, type Value } from './evaluation/values.js';
import { FUNCTIONS } from './library/index.js';
import { parse } from './syntax/parser.js';
import { displayProblems, SyntaxProblem } from './syntax/source.js';
import { formatType, type CelType, type ObjectType } from './types.js';

/** What came of an evaluation, and what it cost. `exhausted`: it was stopped at its limit. */
export type Evaluated =
  { readonly value: Value; readonly cost: number } | { readonly error: string; readonly cost: number; readonly exhausted: boolean };

/** An expression that was checked and can be evaluated any number of times. */
export interface Program {
  readonly expression: string;
  readonly type: CelType;
  /** The most that an evaluation can cost, by the bounds that the variables' types give. */
  readonly estimatedCost: () => number;
  /** Evaluates with the variables' values (JSON, or this room's values), spending at most `limit` in upstream's units. */
  readonly evaluate: (variable: (name: string) => unknown, limit: number) => Evaluated;
}

/** Types of the variables that an expression may name, and of structs that it may build. */
export interface Declarations {
  readonly variables: Readonly<Record<string, CelType>>;
  readonly struct?: (name: string) => ObjectType | undefined;
}

/** A checked expression, or what is wrong with it in cel-go's words: `ERROR: <input>:1:1: undeclared reference to ...`. */
export type Compiled = { readonly program: Program } | { readonly problem: string };

/** How many problems are told at most. */
const MOST_PROBLEMS = 100;

/** Reads and checks an expression. Never throws. */
export function compile(expression: string, declarations: Declarations): Compiled {
  try {
    return checked(expression, declarations);
  } catch (thrown) {
    if (thrown instanceof SyntaxProblem) return { problem: displayProblems(expression, [{ at: thrown.at, message: thrown.message }]) };
    throw thrown;
  }
}

function checked(expression: string, { variables, struct }: Declarations): Compiled {
  const environment: Environment = {
    variables: new Map(Object.entries(variables)),
    functions: FUNCTIONS,
    ...(struct ? { struct } : {}),
  };
  const expr = parse(expression);
  const found = check(expr, environment);
  if (found.problems.length > 0) return { problem: displayProblems(expression, found.problems.slice(0, MOST_PROBLEMS)) };
  const planner: Planner = { plan, checked: found, environment, locals: new Set() };
  const step = plan(expr, planner);
  const evaluate = (variable: (name: string) => unknown, limit: number): Evaluated => {
    const meter = new Meter(limit);
    try {
      return { value: step({ meter, variable, local: undefined }), cost: meter.cost };
    } catch (thrown) {
      if (thrown instanceof CelError) return { error: thrown.message, cost: meter.cost, exhausted: thrown instanceof CostExceeded };
      throw thrown;
    }
  };
  return { program: { expression, type: found.type, estimatedCost: () => estimateCost(expr, found), evaluate } };
}

/** Whether an expression's result can be of the type. */
export const yields = (program: Program, type: CelType): boolean =>
  program.type.kind === 'dyn' || formatType(program.type) === formatType(type);
