import type { Comprehension } from '../syntax/ast.js';
import { DYN, type CelType } from '../types.js';
import { adapt, entriesOf, keyId } from './inspect.js';
import type { Frame, Planner, Step } from './step.js';
import { CelError, CostExceeded, MapValue, noSuchOverload, Optional, type Value } from './values.js';

/** What one round of each macro costs beyond its body, as cel-go's expansion into a fold does. */
const ROUND = { all: 3, exists: 4, exists_one: 1, filter: 1, map: 12, transformList: 12, transformMap: 2, transformMapEntry: 2 } as const;
const KEPT = { exists_one: 1, filter: 11 } as const;

/** The key (or index) and the value of each round. */
function rounds(range: Value, type: CelType): readonly (readonly [Value, unknown])[] {
  if (Array.isArray(range)) return range.map((item, i) => [BigInt(i), item]);
  const entries = entriesOf(range);
  if (!entries) throw noSuchOverload();
  return type.kind === 'map' ? entries.map(([key, value]) => [adapt(key, type.key), value]) : entries;
}

type Round = (visit: (inner: Frame, key: Value, value: Value) => boolean | void, frame: Frame) => void;

/** Goes through a range with the macro's variables set, until a visit says false. */
function planRounds(expr: Comprehension, planner: Planner): Round {
  const range = planner.plan(expr.range, planner);
  const type = planner.checked.typeOf(expr.range);
  const elementType = type.kind === 'list' ? type.element : type.kind === 'map' ? type.value : DYN;
  const [one = '', two] = expr.variables;
  return (visit, frame) => {
    const over = range(frame);
    const isList = Array.isArray(over);
    for (const [key, raw] of rounds(over, type)) {
      frame.meter.work(1);
      const value = adapt(raw, elementType);
      const first = { name: one, value: two === undefined && isList ? value : key, outer: frame.local };
      const local = two === undefined ? first : { name: two, value, outer: first };
      if (visit({ ...frame, local }, key, value) === false) return;
    }
  };
}

const wantBool = (value: Value): boolean => {
  if (typeof value !== 'boolean') throw noSuchOverload();
  return value;
};

function planQuantifier(each: Round, body: Step, decisive: boolean, cost: number): Step {
  return (frame) => {
    let failed: CelError | undefined;
    let decided = false;
    frame.meter.charge(1);
    each((inner) => {
      frame.meter.charge(cost);
      try {
        decided = wantBool(body(inner)) === decisive;
      } catch (thrown) {
        if (!(thrown instanceof CelError) || thrown instanceof CostExceeded) throw thrown;
        failed ??= thrown;
      }
      return !decided;
    }, frame);
    if (decided) return decisive;
    if (failed) throw failed;
    return !decisive;
  };
}

function planExistsOne(each: Round, body: Step): Step {
  return (frame) => {
    let count = 0;
    frame.meter.charge(2);
    each((inner) => {
      frame.meter.charge(ROUND.exists_one);
      if (!wantBool(body(inner))) return;
      frame.meter.charge(KEPT.exists_one);
      count++;
    }, frame);
    return count === 1;
  };
}

function planFilter(each: Round, body: Step): Step {
  return (frame) => {
    const out: Value[] = [];
    frame.meter.charge(11);
    each((inner, key, value) => {
      frame.meter.charge(ROUND.filter);
      if (!wantBool(body(inner))) return;
      frame.meter.charge(KEPT.filter);
      out.push(inner.local?.value ?? value);
    }, frame);
    return out;
  };
}

function planList(each: Round, filter: Step | undefined, body: Step): Step {
  return (frame) => {
    const out: Value[] = [];
    frame.meter.charge(11);
    each((inner) => {
      if (filter && !wantBool(filter(inner))) return frame.meter.charge(1);
      const value = body(inner);
      frame.meter.charge(ROUND.map);
      out.push(value);
    }, frame);
    return out;
  };
}

function put(out: MapValue, key: Value, value: Value): void {
  const id = keyId(key);
  if (id === undefined) throw new CelError('unsupported key type');
  if (out.entries.has(id)) throw new CelError(`insert failed: key ${String(key)} already exists`);
  out.entries.set(id, { key, value });
}

function planMapOf(each: Round, filter: Step | undefined, body: Step, asEntry: boolean): Step {
  return (frame) => {
    const out = new MapValue();
    frame.meter.charge(31);
    each((inner, key) => {
      if (filter && !wantBool(filter(inner))) return frame.meter.charge(1);
      const value = body(inner);
      frame.meter.charge(ROUND.transformMap);
      if (!asEntry) return put(out, key, value);
      const entries = entriesOf(value);
      if (!entries) throw noSuchOverload();
      for (const [entryKey, entry] of entries) put(out, entryKey, adapt(entry, DYN));
    }, frame);
    return out;
  };
}

function planOptional(expr: Comprehension, planner: Planner): Step {
  const range = planner.plan(expr.range, planner);
  const [name = ''] = expr.variables;
  const body = planner.plan(expr.body, { ...planner, locals: new Set(planner.locals).add(name) });
  return (frame) => {
    const from = range(frame);
    if (!(from instanceof Optional)) throw noSuchOverload();
    frame.meter.charge(2);
    if (from.value === undefined) return Optional.NONE;
    const value = body({ ...frame, local: { name, value: from.value, outer: frame.local } });
    return expr.macro === 'optMap' ? new Optional(value) : value;
  };
}

export function planMacro(expr: Comprehension, planner: Planner): Step {
  if (expr.macro === 'optMap' || expr.macro === 'optFlatMap') return planOptional(expr, planner);
  const each = planRounds(expr, planner);
  const inner = { ...planner, locals: new Set([...planner.locals, ...expr.variables]) };
  const body = planner.plan(expr.body, inner);
  const filter = expr.filter && planner.plan(expr.filter, inner);
  switch (expr.macro) {
    case 'all':
      return planQuantifier(each, body, false, ROUND.all);
    case 'exists':
      return planQuantifier(each, body, true, ROUND.exists);
    case 'exists_one':
      return planExistsOne(each, body);
    case 'filter':
      return planFilter(each, body);
    case 'transformMap':
    case 'transformMapEntry':
      return planMapOf(each, filter, body, expr.macro === 'transformMapEntry');
    default:
      return planList(each, filter, body);
  }
}
