import { TYPE_NAMES } from '../checking/check.js';
import type { Overload } from '../library/function.js';
import type { Call, Expr, ListLiteral, MapLiteral, Select, StructLiteral } from '../syntax/ast.js';
import { qualifiedName } from '../syntax/parser.js';
import { DYN, type CelType } from '../types.js';
import { adapt, keyId, lookUp } from './inspect.js';
import { planMacro } from './macro.js';
import { matches } from './match.js';
import type { Frame, Planner, Step } from './step.js';
import { CelError, CostExceeded, MapValue, noSuchKey, noSuchOverload, Optional, StructValue, TypeValue, type Value } from './values.js';

const CREATE_COST = { list: 10, map: 30, struct: 40 };

export function plan(expr: Expr, planner: Planner): Step {
  switch (expr.op) {
    case 'literal': {
      const { value } = expr;
      return () => value;
    }
    case 'ident':
      return planIdent(expr.name, planner, planner.checked.typeOf(expr));
    case 'select':
      return planSelect(expr, planner);
    case 'call':
      return planCall(expr, planner);
    case 'list':
      return planList(expr, planner);
    case 'map':
      return planMap(expr, planner);
    case 'struct':
      return planStruct(expr, planner);
    case 'macro':
      return planMacro(expr, planner);
  }
}

function planIdent(name: string, planner: Planner, type: CelType): Step {
  if (planner.locals.has(name)) {
    return ({ meter, local }) => {
      meter.charge(1);
      for (let at = local; at; at = at.outer) if (at.name === name) return at.value;
      throw new CelError(`no such attribute(s): ${name}`);
    };
  }
  if (!planner.environment.variables.has(name) && TYPE_NAMES.has(name)) {
    const value = new TypeValue(name);
    return () => value;
  }
  return ({ meter, variable }) => {
    meter.charge(1);
    const value = variable(name);
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return adapt(value, type);
  };
}

function planSelect(expr: Select, planner: Planner): Step {
  const whole = expr.test ? undefined : qualifiedName(expr);
  if (whole !== undefined && isOneName(whole, planner)) return planIdent(whole, planner, DYN);
  const operand = plan(expr.operand, planner);
  const declared = planner.checked.typeOf(expr.operand);
  const inner = declared.kind === 'optional' ? declared.of : declared;
  const json = (inner.kind === 'object' ? inner.field(expr.field)?.json : undefined) ?? expr.field;
  const own = planner.checked.typeOf(expr);
  const type = own.kind === 'optional' ? own.of : own;
  if (expr.test) return (frame) => has(operand(frame), json);
  const optional = expr.optional === true;
  return (frame) => {
    const from = operand(frame);
    frame.meter.charge(1);
    const viral = from instanceof Optional;
    const target = viral ? from.value : from;
    if (target === undefined) return Optional.NONE;
    const found = fieldOf(target, json);
    if (viral || optional) {
      if (found === undefined) return Optional.NONE;
      return found instanceof Optional && !optional ? found : new Optional(adapt(found, type));
    }
    if (found === undefined) throw noSuchKey(expr.field);
    return adapt(found, type);
  };
}

/** Whether `a.b` is the name of one variable, or of a type, and not a field of `a`. */
const isOneName = (whole: string, { environment, locals }: Planner): boolean =>
  !locals.has(whole.slice(0, whole.indexOf('.'))) && (environment.variables.has(whole) || TYPE_NAMES.has(whole));

function fieldOf(target: Value, field: string): unknown {
  if (target instanceof StructValue) return target.fields.get(field);
  if (typeof target !== 'object' || target === null || Array.isArray(target)) throw noSuchOverload();
  return lookUp(target, field);
}

function has(from: Value, field: string): boolean {
  const target = from instanceof Optional ? from.value : from;
  return target !== undefined && fieldOf(target, field) !== undefined;
}

const isError = (thrown: unknown): thrown is CelError => thrown instanceof CelError && !(thrown instanceof CostExceeded);

/** `&&` and `||`: where one side decides, the other's error does not matter. */
function planLogic(left: Step, right: Step, decisive: boolean): Step {
  const side = (step: Step, frame: Frame): boolean | CelError => {
    try {
      const value = step(frame);
      return typeof value === 'boolean' ? value : noSuchOverload();
    } catch (thrown) {
      if (isError(thrown)) return thrown;
      throw thrown;
    }
  };
  return (frame) => {
    const first = side(left, frame);
    if (first === decisive) return decisive;
    const second = side(right, frame);
    if (second === decisive) return decisive;
    if (first instanceof CelError) throw first;
    if (second instanceof CelError) throw second;
    return !decisive;
  };
}

function planTernary([condition, then, otherwise]: readonly Step[]): Step {
  return (frame) => {
    const value = condition?.(frame);
    if (typeof value !== 'boolean') throw noSuchOverload();
    return ((value ? then : otherwise) as Step)(frame);
  };
}

function planCall(expr: Call, planner: Planner): Step {
  const target = expr.target && !planner.checked.namespaced.has(expr) ? [expr.target] : [];
  const nodes = [...target, ...expr.args];
  const args = nodes.map((arg) => plan(arg, planner));
  if (expr.name === '_&&_' || expr.name === '_||_') return planLogic(args[0] as Step, args[1] as Step, expr.name === '_||_');
  if (expr.name === '_?_:_') return planTernary(args);
  const overloads = planner.checked.overloads.get(expr) ?? [];
  const [only] = overloads;
  const sure = overloads.length === 1 && nodes.every((node) => isSure(planner.checked.typeOf(node)));
  const type = planner.checked.typeOf(expr);
  const choose = sure
    ? (): Overload | undefined => only
    : (values: readonly Value[]): Overload | undefined =>
        overloads.find(({ args: wanted }) => wanted.every((want, i) => matches(values[i] as Value, want)));
  return (frame) => {
    const values = args.map((arg) => arg(frame));
    const overload = choose(values);
    if (!overload) throw noSuchOverload();
    const result = overload.call(values, frame.meter);
    frame.meter.charge(overload.cost ? overload.cost(values, result) : 1);
    return typeof result === 'string' || typeof result === 'number' ? adapt(result, type) : result;
  };
}

/** Whether a value of the type is what the type says: nothing dynamic is in it. */
function isSure(type: CelType): boolean {
  if (type.kind === 'list') return isSure(type.element);
  if (type.kind === 'map') return isSure(type.key) && isSure(type.value);
  if (type.kind === 'optional') return isSure(type.of);
  return type.kind !== 'dyn' && type.kind !== 'object' && type.kind !== 'error' && type.kind !== 'param';
}

function planList(expr: ListLiteral, planner: Planner): Step {
  const steps = expr.elements.map((element) => plan(element, planner));
  if (expr.elements.every(({ op }) => op === 'literal')) {
    const value = expr.elements.map((element) => (element.op === 'literal' ? element.value : null));
    return () => value;
  }
  return (frame) => {
    const out: Value[] = [];
    steps.forEach((step, i) => {
      const value = step(frame);
      if (!expr.optional.has(i)) out.push(value);
      else if (!(value instanceof Optional)) throw noSuchOverload();
      else if (value.value !== undefined) out.push(value.value);
    });
    frame.meter.charge(CREATE_COST.list);
    return out;
  };
}

function planMap(expr: MapLiteral, planner: Planner): Step {
  const steps = expr.entries.map(({ key, value, optional }) => ({ key: plan(key, planner), value: plan(value, planner), optional }));
  return (frame) => {
    const out = new MapValue();
    for (const { key, value, optional } of steps) {
      const at = key(frame);
      const found = value(frame);
      const id = keyId(at);
      if (id === undefined) throw new CelError(`unsupported key type`);
      if (out.entries.has(id)) throw new CelError(`Failed with repeated key`);
      if (optional && !(found instanceof Optional)) throw noSuchOverload();
      const held = optional ? (found as Optional).value : found;
      if (held !== undefined) out.entries.set(id, { key: at, value: held });
    }
    frame.meter.charge(CREATE_COST.map);
    return out;
  };
}

function planStruct(expr: StructLiteral, planner: Planner): Step {
  const type = planner.environment.struct?.(expr.name);
  const steps = expr.fields.map(({ name, value, optional }) => ({
    json: type?.field(name)?.json ?? name,
    value: plan(value, planner),
    optional,
  }));
  return (frame) => {
    const fields = new Map<string, Value>();
    for (const { json, value, optional } of steps) {
      const found = value(frame);
      const held = optional && found instanceof Optional ? found.value : found;
      if (held !== undefined) fields.set(json, held);
    }
    frame.meter.charge(CREATE_COST.struct);
    return new StructValue(expr.name, fields);
  };
}
