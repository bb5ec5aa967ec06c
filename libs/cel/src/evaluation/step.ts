import type { Checked } from '../checking/check.js';
import type { Environment } from '../environment.js';
import type { Expr } from '../syntax/ast.js';
import type { Meter } from './meter.js';
import type { Value } from './values.js';

/** Where a step finds variables, and what it is charged to. */
export interface Frame {
  readonly meter: Meter;
  /** A variable's value; undefined where it was not handed in. */
  readonly variable: (name: string) => unknown;
  /** The variables of the macros around the step, the innermost first. */
  readonly local: Local | undefined;
}

/** One variable of a macro. */
export interface Local {
  readonly name: string;
  readonly value: Value;
  readonly outer: Local | undefined;
}

/** An expression made ready to be evaluated. */
export type Step = (frame: Frame) => Value;

/** What making steps of expressions needs to know. */
export interface Planner {
  readonly plan: (expr: Expr, planner: Planner) => Step;
  readonly checked: Checked;
  readonly environment: Environment;
  readonly locals: ReadonlySet<string>;
}
