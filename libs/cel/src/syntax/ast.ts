import type { Value } from '../evaluation/values.js';

interface Node {
  /** Where the expression is pointed at in an error: an operator's sign, a call's parenthesis, a selection's dot. */
  readonly at: number;
}

/** A parsed expression. Operators are calls by cel-go's names (`_+_`); macros have been told from calls. */
export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Comprehension;

export interface Literal extends Node {
  readonly op: 'literal';
  readonly value: Value;
}
export interface Ident extends Node {
  readonly op: 'ident';
  readonly name: string;
}
/** `operand.field`; `test`: the macro has(); `optional`: `operand.?field`. */
export interface Select extends Node {
  readonly op: 'select';
  readonly operand: Expr;
  readonly field: string;
  readonly test?: boolean;
  readonly optional?: boolean;
}
export interface Call extends Node {
  readonly op: 'call';
  readonly name: string;
  readonly target?: Expr;
  readonly args: readonly Expr[];
}
export interface ListLiteral extends Node {
  readonly op: 'list';
  readonly elements: readonly Expr[];
  readonly optional: ReadonlySet<number>;
}
export interface MapLiteral extends Node {
  readonly op: 'map';
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[];
}
export interface StructLiteral extends Node {
  readonly op: 'struct';
  readonly name: string;
  readonly fields: readonly { readonly at: number; readonly name: string; readonly value: Expr; readonly optional: boolean }[];
}

export type MacroName =
  'all' | 'exists' | 'exists_one' | 'map' | 'filter' | 'transformList' | 'transformMap' | 'transformMapEntry' | 'optMap' | 'optFlatMap';

/** A macro with variables of its own: `range` is what it goes through, `filter` and `body` what it evaluates for each. */
export interface Comprehension extends Node {
  readonly op: 'macro';
  readonly macro: MacroName;
  readonly range: Expr;
  readonly variables: readonly string[];
  readonly filter?: Expr;
  readonly body: Expr;
}
