import type { Checked } from '../checking/check.js';
import { sizeOf } from '../evaluation/inspect.js';
import type { Call, Comprehension, Expr } from '../syntax/ast.js';
import type { CelType } from '../types.js';
import { largestOf } from './sizes.js';

/** What evaluating an expression costs at most, and how large its value is at most. */
export interface Estimate {
  readonly cost: number;
  readonly size: number;
}

const TRAVERSAL = 0.1;
const REGEX = 0.25;
/** Upstream prices a check of the authorizer so that an expression can afford two. */
const CHECK = 350_000;
const CREATION = { list: 10, map: 30, struct: 40 };
/** What each round of a macro costs beyond its body, as cel-go's expansion into a fold. */
const ROUND: Readonly<Record<string, number>> = { all: 3, exists: 4, exists_one: 3, filter: 13, map: 12, transformList: 12 };
const OTHER_ROUND = 32;

type Sized = readonly Estimate[];
const traversed = (size: number, factor = 1): number => Math.ceil(size * TRAVERSAL * factor);
const sizeAt = (args: Sized, i: number): number => args[i]?.size ?? 1;
const once =
  (factor = 1) =>
  (args: Sized): number =>
    traversed(sizeAt(args, 0), factor);
const smaller = (args: Sized): number => Math.max(1, traversed(Math.min(sizeAt(args, 0), sizeAt(args, 1))));
const pattern = (args: Sized): number => traversed(sizeAt(args, 0) + 1) * Math.ceil(sizeAt(args, 1) * REGEX);

/** What a call costs beyond its arguments, of functions that cost more than a step (apiserver `cel/library/cost.go`). */
const COSTS: Readonly<Record<string, (args: Sized) => number>> = {
  startsWith: (args) => traversed(sizeAt(args, 1)),
  endsWith: (args) => traversed(sizeAt(args, 1)),
  contains: (args) => traversed(sizeAt(args, 0)) * traversed(sizeAt(args, 1)),
  matches: pattern,
  find: pattern,
  findAll: pattern,
  validate: (args) => traversed(sizeAt(args, 1)) * Math.ceil(253 * REGEX),
  '@in': (args) => sizeAt(args, 1),
  '_+_': (args) => traversed(sizeAt(args, 0) + sizeAt(args, 1)),
  ...Object.fromEntries(['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_'].map((name) => [name, smaller])),
  ...Object.fromEntries(
    ['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, (args: Sized) => sizeAt(args, 0)]),
  ),
  ...Object.fromEntries(
    ['lowerAscii', 'upperAscii', 'substring', 'trim', 'charAt', 'format', 'strings.quote'].map((name) => [name, once()]),
  ),
  ...Object.fromEntries(['replace', 'split', 'join', 'ip.isCanonical'].map((name) => [name, once(2)])),
  ...Object.fromEntries(
    ['url', 'isURL', 'ip', 'isIP', 'cidr', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver', 'jsonpatch.escapeKey'].map((name) => [
      name,
      once(),
    ]),
  ),
  ...Object.fromEntries(
    ['sets.contains', 'sets.intersects', 'sets.equivalent'].map((name) => [name, (args: Sized) => sizeAt(args, 0) * sizeAt(args, 1)]),
  ),
  string: once(),
  bytes: once(),
  check: () => CHECK,
};

/** How large a call's result is, of functions whose result is bounded by their arguments. */
const SIZES: Readonly<Record<string, (args: Sized) => number>> = {
  '_+_': (args) => sizeAt(args, 0) + sizeAt(args, 1),
  ...Object.fromEntries(
    ['lowerAscii', 'upperAscii', 'substring', 'trim', 'split', 'findAll', 'find', 'string', 'bytes'].map((name) => [
      name,
      (args: Sized) => sizeAt(args, 0),
    ]),
  ),
  replace: (args) => (sizeAt(args, 0) + 1) * sizeAt(args, 2) + sizeAt(args, 0),
};

const hasSize = ({ kind }: CelType): boolean => ['string', 'bytes', 'list', 'map', 'dyn', 'param'].includes(kind);

class Estimator {
  constructor(private readonly checked: Checked) {}

  estimate(expr: Expr): Estimate {
    switch (expr.op) {
      case 'literal':
        return { cost: 0, size: sizeOf(expr.value) };
      case 'ident':
        return { cost: 1, size: this.largest(expr) };
      case 'select':
        return { cost: this.estimate(expr.operand).cost + (expr.test ? 0 : 1), size: expr.test ? 1 : this.largest(expr) };
      case 'call':
        return this.call(expr);
      case 'list':
        return { cost: CREATION.list + this.sum(expr.elements), size: expr.elements.length };
      case 'map':
        return { cost: CREATION.map + this.sum(expr.entries.flatMap(({ key, value }) => [key, value])), size: expr.entries.length };
      case 'struct':
        return { cost: CREATION.struct + this.sum(expr.fields.map(({ value }) => value)), size: 1 };
      case 'macro':
        return this.macro(expr);
    }
  }

  private largest(expr: Expr): number {
    return largestOf(this.checked.typeOf(expr));
  }

  private sum(parts: readonly Expr[]): number {
    return parts.reduce((sum, part) => sum + this.estimate(part).cost, 0);
  }

  private call(expr: Call): Estimate {
    const target = expr.target && !this.checked.namespaced.has(expr) ? [expr.target] : [];
    const args = [...target, ...expr.args].map((arg) => this.estimate(arg));
    const spent = args.reduce((sum, { cost }) => sum + cost, 0);
    if (expr.name === '_?_:_') {
      const [condition, then, otherwise] = args as [Estimate, Estimate, Estimate];
      return { cost: condition.cost + Math.max(then.cost, otherwise.cost), size: Math.max(then.size, otherwise.size) };
    }
    if (expr.name === '_&&_' || expr.name === '_||_') return { cost: spent, size: 1 };
    const own = this.ownCost(expr, args);
    const size = hasSize(this.checked.typeOf(expr)) ? (SIZES[this.nameOf(expr)]?.(args) ?? this.largest(expr)) : 1;
    return { cost: spent + own, size };
  }

  private nameOf(expr: Call): string {
    return this.checked.namespaced.has(expr) && expr.target?.op === 'ident' ? `${expr.target.name}.${expr.name}` : expr.name;
  }

  private ownCost(expr: Call, args: Sized): number {
    const name = this.nameOf(expr);
    const { kind } = this.checked.typeOf(expr);
    if (name === '_+_' && kind !== 'string' && kind !== 'bytes' && kind !== 'dyn') return 1;
    return COSTS[name]?.(args) ?? 1;
  }

  private macro(expr: Comprehension): Estimate {
    const range = this.estimate(expr.range);
    const body = this.estimate(expr.body).cost + (expr.filter ? this.estimate(expr.filter).cost : 0);
    if (expr.macro === 'optMap' || expr.macro === 'optFlatMap') return { cost: range.cost + body + 2, size: this.largest(expr) };
    const rounds = range.size * (body + (ROUND[expr.macro] ?? OTHER_ROUND));
    return { cost: range.cost + rounds + 1, size: hasSize(this.checked.typeOf(expr)) ? range.size : 1 };
  }
}

/** The most that an expression can cost, by the bounds that its variables' types give: a rule is refused that could cost too much. */
export const estimateCost = (expr: Expr, checked: Checked): number => new Estimator(checked).estimate(expr).cost;
