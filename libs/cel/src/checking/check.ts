import type { Environment } from '../environment.js';
import type { Overload } from '../library/function.js';
import { literalType } from './literal-type.js';
import type { Call, Comprehension, Expr, ListLiteral, MapLiteral, Select, StructLiteral } from '../syntax/ast.js';
import { qualifiedName } from '../syntax/parser.js';
import type { Problem } from '../syntax/source.js';
import { BOOL, DYN, ERROR, formatType, INT, listOf, mapOf, optionalOf, TYPE, type CelType } from '../types.js';
import { Substitution } from './substitution.js';

/** The names of types that an expression may use as values. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  ...['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'type', 'null_type', 'optional_type'],
  ...['google.protobuf.Timestamp', 'google.protobuf.Duration'],
]);

/** What the check found out: each node's type, and which overloads each call may mean. */
export interface Checked {
  readonly type: CelType;
  readonly typeOf: (expr: Expr) => CelType;
  readonly overloads: ReadonlyMap<Call, readonly Overload[]>;
  /** Calls whose target is the first part of the function's name: `sets.contains`. */
  readonly namespaced: ReadonlySet<Call>;
  readonly problems: readonly Problem[];
}

type Scope = ReadonlyMap<string, CelType>;

class Checker {
  readonly types = new Map<Expr, CelType>();
  readonly overloads = new Map<Call, readonly Overload[]>();
  readonly namespaced = new Set<Call>();
  readonly problems: Problem[] = [];
  readonly substitution = new Substitution();

  constructor(private readonly environment: Environment) {}

  check(expr: Expr, scope: Scope): CelType {
    const type = this.infer(expr, scope);
    this.types.set(expr, type);
    return type;
  }

  private infer(expr: Expr, scope: Scope): CelType {
    switch (expr.op) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return scope.get(expr.name) ?? this.global(expr.name) ?? this.undeclared(expr.at, expr.name);
      case 'select':
        return this.select(expr, scope);
      case 'call':
        return this.call(expr, scope);
      case 'list':
        return this.list(expr, scope);
      case 'map':
        return this.map(expr, scope);
      case 'struct':
        return this.struct(expr, scope);
      case 'macro':
        return this.macro(expr, scope);
    }
  }

  private report(at: number, message: string): CelType {
    this.problems.push({ at, message });
    return ERROR;
  }

  private undeclared(at: number, name: string): CelType {
    return this.report(at, `undeclared reference to '${name}' (in container '')`);
  }

  private global(name: string): CelType | undefined {
    return this.environment.variables.get(name) ?? (TYPE_NAMES.has(name) ? TYPE : undefined);
  }

  private select(expr: Select, scope: Scope): CelType {
    const whole = expr.test ? undefined : qualifiedName(expr);
    const known = whole === undefined || scope.has(whole.slice(0, whole.indexOf('.'))) ? undefined : this.global(whole);
    if (known) return known;
    const operand = this.substitution.resolve(this.check(expr.operand, scope));
    const optional = operand.kind === 'optional';
    const field = this.field(optional ? operand.of : operand, expr);
    if (expr.test) return BOOL;
    return optional || expr.optional ? (field.kind === 'optional' && !expr.optional ? field : optionalOf(field)) : field;
  }

  private field(operand: CelType, expr: Select): CelType {
    switch (operand.kind) {
      case 'dyn':
      case 'error':
      case 'param':
        return operand.kind === 'error' ? ERROR : DYN;
      case 'map':
        return operand.value;
      case 'object':
        return operand.field(expr.field)?.type ?? this.report(expr.at, `undefined field '${expr.field}'`);
      default:
        return this.report(expr.at, `type '${formatType(operand)}' does not support field selection`);
    }
  }

  private call(expr: Call, scope: Scope): CelType {
    const prefix = expr.target && qualifiedName(expr.target);
    const full = prefix === undefined ? undefined : `${prefix}.${expr.name}`;
    if (full !== undefined && this.environment.functions.get(full)?.some(({ member }) => !member)) {
      this.namespaced.add(expr);
      return this.resolve(expr, full, this.environment.functions.get(full) ?? [], undefined, scope);
    }
    const declared = this.environment.functions.get(expr.name);
    if (declared) return this.resolve(expr, expr.name, declared, expr.target, scope);
    this.undeclared(
      expr.at,
      full !== undefined && !scope.has(prefix ?? '') && !this.global((prefix ?? '').split('.')[0] ?? '') ? full : expr.name,
    );
    for (const arg of expr.args) this.check(arg, scope);
    return ERROR;
  }

  private resolve(expr: Call, name: string, declared: readonly Overload[], target: Expr | undefined, scope: Scope): CelType {
    const args = [...(target ? [target] : []), ...expr.args].map((arg) => this.check(arg, scope));
    const matching: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of declared) {
      if (overload.member !== (target !== undefined) || overload.args.length !== args.length) continue;
      const [own, ...wanted] = this.substitution.instantiate([overload.result, ...overload.args]);
      if (!this.substitution.assign(wanted, args)) continue;
      matching.push(overload);
      const next = this.substitution.resolve(own as CelType);
      result = result === undefined || same(result, next) ? next : DYN;
    }
    this.overloads.set(expr, matching);
    if (result) return result;
    if (args.some(({ kind }) => kind === 'error')) return ERROR;
    const shown = args.map((arg) => formatType(this.substitution.resolve(arg, true)));
    const signature = target ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
    return this.report(expr.at, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  /** The one type of a literal's parts; what differs is an error, as Kubernetes wants literals of one kind. */
  private join(known: CelType | undefined, next: CelType, at: number): CelType {
    if (!known || this.substitution.assign([known], [next])) {
      return known && this.substitution.resolve(known).kind === 'dyn' ? known : (known ?? next);
    }
    this.report(
      at,
      `expected type '${formatType(this.substitution.resolve(known))}' but found '${formatType(this.substitution.resolve(next))}'`,
    );
    return DYN;
  }

  private unwrapOptional(type: CelType, at: number): CelType {
    const resolved = this.substitution.resolve(type);
    if (resolved.kind === 'optional') return resolved.of;
    if (resolved.kind === 'dyn' || resolved.kind === 'error') return DYN;
    return this.report(at, `expected type 'optional_type(${formatType(resolved)})' but found '${formatType(resolved)}'`);
  }

  private list(expr: ListLiteral, scope: Scope): CelType {
    let element: CelType | undefined;
    expr.elements.forEach((item, i) => {
      const type = this.check(item, scope);
      element = this.join(element, expr.optional.has(i) ? this.unwrapOptional(type, item.at) : type, item.at);
    });
    return listOf(element ?? this.substitution.fresh());
  }

  private map(expr: MapLiteral, scope: Scope): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      key = this.join(key, this.check(entry.key, scope), entry.key.at);
      const type = this.check(entry.value, scope);
      value = this.join(value, entry.optional ? this.unwrapOptional(type, entry.value.at) : type, entry.value.at);
    }
    return mapOf(key ?? this.substitution.fresh(), value ?? this.substitution.fresh());
  }

  private struct(expr: StructLiteral, scope: Scope): CelType {
    const type = this.environment.struct?.(expr.name);
    if (!type) this.undeclared(expr.at, expr.name);
    for (const { at, name, value, optional } of expr.fields) {
      const found = this.check(value, scope);
      const field = type?.field(name);
      if (!type) continue;
      if (!field) this.report(at, `undefined field '${name}'`);
      else if (!this.substitution.assign([field.type], [optional ? this.unwrapOptional(found, value.at) : found])) {
        this.report(
          at,
          `expected type of field '${name}' is '${formatType(field.type)}' but provided type is '${formatType(this.substitution.resolve(found))}'`,
        );
      }
    }
    return type ?? ERROR;
  }

  private macro(expr: Comprehension, scope: Scope): CelType {
    const range = this.substitution.resolve(this.check(expr.range, scope));
    if (expr.macro === 'optMap' || expr.macro === 'optFlatMap') return this.optionalMacro(expr, range, scope);
    const inner = new Map(scope);
    const [first, second] = this.rangeTypes(range, expr);
    const [one = '', two] = expr.variables;
    inner.set(one, two === undefined && range.kind === 'list' ? second : first);
    if (two !== undefined) inner.set(two, second);
    if (expr.filter) this.wantBool(expr, this.check(expr.filter, inner), '_?_:_');
    const body = this.check(expr.body, inner);
    return this.macroResult(expr, range, first, body);
  }

  private macroResult(expr: Comprehension, range: CelType, key: CelType, body: CelType): CelType {
    switch (expr.macro) {
      case 'all':
        this.wantBool(expr, body, '_&&_');
        return BOOL;
      case 'exists':
        this.wantBool(expr, body, '_||_');
        return BOOL;
      case 'exists_one':
        this.wantBool(expr, body, '_?_:_');
        return BOOL;
      case 'filter':
        this.wantBool(expr, body, '_?_:_');
        return listOf(range.kind === 'list' ? range.element : range.kind === 'map' ? range.key : DYN);
      case 'transformMap':
        return mapOf(key, body);
      case 'transformMapEntry': {
        const entry = this.substitution.resolve(body);
        return entry.kind === 'map' || entry.kind === 'dyn' || entry.kind === 'error'
          ? entry
          : this.report(expr.at, `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${formatType(entry)})'`);
      }
      default:
        return listOf(body);
    }
  }

  private optionalMacro(expr: Comprehension, range: CelType, scope: Scope): CelType {
    const of = range.kind === 'optional' ? range.of : DYN;
    if (range.kind !== 'optional' && range.kind !== 'dyn' && range.kind !== 'error') {
      this.report(expr.at, `found no matching overload for 'hasValue' applied to '${formatType(range)}.()'`);
    }
    const body = this.check(expr.body, new Map(scope).set(expr.variables[0] ?? '', of));
    return expr.macro === 'optMap' ? optionalOf(body) : body;
  }

  /** A range's types of key (or index) and value. */
  private rangeTypes(range: CelType, expr: Comprehension): readonly [CelType, CelType] {
    if (range.kind === 'list') return [INT, range.element];
    if (range.kind === 'map') return [range.key, range.value];
    if (range.kind === 'dyn' || range.kind === 'error' || range.kind === 'param') return [DYN, DYN];
    this.report(
      expr.range.at,
      `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
    return [ERROR, ERROR];
  }

  private wantBool(expr: Comprehension, type: CelType, operator: string): void {
    if (this.substitution.assign([BOOL], [type])) return;
    const found = formatType(this.substitution.resolve(type));
    const shown = operator === '_?_:_' ? `(${found}, int, int)` : `(bool, ${found})`;
    this.report(expr.at, `found no matching overload for '${operator}' applied to '${shown}'`);
  }
}

const same = (a: CelType, b: CelType): boolean => formatType(a) === formatType(b);

/** Works out each part's type, and says what does not fit. */
export function check(expr: Expr, environment: Environment): Checked {
  const checker = new Checker(environment);
  const type = checker.check(expr, new Map());
  const final = new Map<Expr, CelType>();
  for (const [node, found] of checker.types) final.set(node, checker.substitution.resolve(found, true));
  return {
    type: checker.substitution.resolve(type, true),
    typeOf: (node) => final.get(node) ?? DYN,
    overloads: checker.overloads,
    namespaced: checker.namespaced,
    problems: checker.problems,
  };
}
