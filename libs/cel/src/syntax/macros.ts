import type { Comprehension, Expr, MacroName } from './ast.js';
import { SyntaxProblem } from './source.js';

function nameOf(arg: Expr | undefined, message: string): string {
  if (arg?.op === 'ident') return arg.name;
  throw new SyntaxProblem(arg?.at ?? 0, message);
}

/** How many arguments each macro takes, with one variable and with two. */
const ONE_VARIABLE: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  existsOne: [2],
  map: [2, 3],
  filter: [2],
};
const TWO_VARIABLES: Readonly<Record<string, readonly number[]>> = {
  all: [3],
  exists: [3],
  exists_one: [3],
  existsOne: [3],
  transformList: [3, 4],
  transformMap: [3, 4],
  transformMapEntry: [3, 4],
};

function comprehension(name: string, at: number, range: Expr, args: readonly Expr[], count: number): Comprehension {
  const variables = args.slice(0, count).map((arg) => nameOf(arg, 'argument must be a simple name'));
  if (count === 2 && variables[0] === variables[1]) throw new SyntaxProblem(args[1]?.at ?? at, `duplicate variable name: ${variables[0]}`);
  const rest = args.slice(count);
  const [filter, body] = rest.length === 2 ? rest : [undefined, rest[0]];
  const macro = (name === 'existsOne' ? 'exists_one' : name) as MacroName;
  return { op: 'macro', at, macro, range, variables, body: body as Expr, ...(filter ? { filter } : {}) };
}

/** The macro that a call stands for, or undefined: it is a function's. */
export function macroOf(name: string, at: number, target: Expr | undefined, args: readonly Expr[]): Expr | undefined {
  const [first, second] = args;
  if (!target) {
    if (name !== 'has' || args.length !== 1) return undefined;
    if (first?.op !== 'select' || first.test) throw new SyntaxProblem(first?.at ?? at, 'invalid argument to has() macro');
    return { ...first, test: true };
  }
  if (ONE_VARIABLE[name]?.includes(args.length) && !(args.length === 3 && name !== 'map')) return comprehension(name, at, target, args, 1);
  if (TWO_VARIABLES[name]?.includes(args.length)) return comprehension(name, at, target, args, 2);
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) {
    const variable = nameOf(first, 'optMap() variable name must be a simple identifier');
    return { op: 'macro', at, macro: name, range: target, variables: [variable], body: second as Expr };
  }
  return undefined;
}
