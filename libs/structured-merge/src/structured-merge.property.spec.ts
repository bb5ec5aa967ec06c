import fc from 'fast-check';
import { deepEqual } from '#libs/apimachinery';
import { Dice } from '#libs/testing';
import {
  apply,
  compare,
  differenceOf,
  elementsOf,
  FieldConflicts,
  fieldsOf,
  intersectionOf,
  isEmpty,
  isMap,
  isMember,
  managersAfterUpdate,
  memberType,
  merge,
  pathsOf,
  problemsOf,
  readFields,
  resolved,
  sameFields,
  unionOf,
  type Fields,
  type Managers,
  type MergeType,
  type Versions,
} from './index.js';
import { elementOf } from './element.js';
import { withoutFields } from './remove.js';

const NAMES = ['a', 'b', 'c', 'constructor', '__proto__'];
const SCALAR: MergeType = { kind: 'scalar' };

/** A random type: granular and atomic maps, structs, lists that are atomic, sets or maps, nested. */
function typeFrom(dice: Dice, depth: number): MergeType {
  if (depth === 0) return SCALAR;
  switch (dice.below(8)) {
    case 0:
      return SCALAR;
    case 1:
      return { kind: 'deduced' };
    case 2: {
      const items = typeFrom(dice, depth - 1);
      return { kind: 'map', atomic: dice.once(4), field: () => undefined, items: () => items };
    }
    case 3:
      return { kind: 'list', type: 'set', keys: [], item: () => SCALAR };
    case 4:
      return { kind: 'list', type: 'atomic', keys: [], item: () => SCALAR };
    case 5: {
      const struct = structFrom(dice, depth - 1, ['name']);
      return { kind: 'list', type: 'map', keys: ['name'], item: () => struct };
    }
  }
  return structFrom(dice, depth, []);
}

function structFrom(dice: Dice, depth: number, scalars: readonly string[]): MergeType {
  const fields = new Map<string, MergeType>(scalars.map((name) => [name, SCALAR]));
  for (const name of NAMES) if (!dice.once(3)) fields.set(name, typeFrom(dice, Math.max(0, depth - 1)));
  return { kind: 'map', atomic: scalars.length === 0 && dice.once(8), field: (name) => fields.get(name) };
}

/** Without empty maps and lists: whether one is there or not is no difference to upstream's types, and it does not keep them apart either. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).map(([name, member]) => [name, withoutEmpty(member)] as const);
  return Object.fromEntries(kept.filter(([, member]) => typeof member !== 'object' || member === null || Object.keys(member).length > 0));
}

const rootFrom = (dice: Dice): MergeType => {
  const fields = new Map(NAMES.map((name) => [name, typeFrom(dice, 3)]));
  return { kind: 'map', atomic: false, field: (name) => fields.get(name) };
};

const scalarFrom = (dice: Dice): unknown => dice.pick<unknown>(['x', 'y', 1, true]);

/** A value of a type, without problems. */
const valueFrom = (dice: Dice, type: MergeType): unknown => withoutEmpty(rawFrom(dice, type));

function rawFrom(dice: Dice, type: MergeType): unknown {
  switch (type.kind) {
    case 'scalar':
      return scalarFrom(dice);
    case 'deduced':
      // Always a map: one that is now a map and now a scalar merges as what came last.
      return Object.fromEntries(dice.times(2, () => [dice.pick(NAMES), scalarFrom(dice)] as const));
    case 'map':
      return Object.fromEntries(
        NAMES.concat('name').flatMap((name) => {
          const member = memberType(type, name);
          const wanted = member !== undefined && (name === 'name' ? type.items === undefined : dice.once(2));
          return wanted && member ? [[name, name === 'name' ? dice.pick(['n', 'm', 'o']) : rawFrom(dice, member)] as const] : [];
        }),
      );
    case 'list': {
      if (type.type === 'atomic') return dice.times(2, () => scalarFrom(dice));
      if (type.type === 'set') return ['x', 'y', 'z'].filter(() => dice.once(2));
      return ['n', 'm', 'o'].filter(() => dice.once(2)).map((name) => ({ ...(rawFrom(dice, type.item()) as object), name }));
    }
  }
}

/** A value with its lists in one order: where items are told apart, their order is nobody's. */
function unordered(type: MergeType, value: unknown): unknown {
  const is = resolved(type, value);
  if (is.kind === 'map' && isMap(value)) {
    const entries = Object.keys(value).map((name) => [name, unordered(memberType(is, name) ?? SCALAR, value[name])] as const);
    return Object.fromEntries(entries);
  }
  if (is.kind === 'list' && is.type !== 'atomic' && Array.isArray(value)) {
    const items = (value as readonly unknown[]).map((item) => [elementOf(is, item) ?? '', unordered(is.item(), item)] as const);
    return items.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  }
  return value;
}

/** What a set of fields says of a value, and nothing else: what its manager would apply again. */
function extracted(type: MergeType, value: unknown, set: Fields): unknown {
  const is = resolved(type, value);
  if (is.kind === 'map' && !is.atomic && isMap(value)) {
    const entries = Object.keys(value).flatMap((name) => {
      const place = set[`f:${name}`];
      return place === undefined ? [] : [[name, extracted(memberType(is, name) ?? SCALAR, value[name], place)] as const];
    });
    return Object.fromEntries(entries);
  }
  if (is.kind === 'list' && is.type !== 'atomic' && Array.isArray(value)) {
    return (value as readonly unknown[]).flatMap((item) => {
      const place = set[elementOf(is, item) ?? ''];
      return place === undefined ? [] : [extracted(is.item(), item, place)];
    });
  }
  return value;
}

const versionsOf = (type: MergeType): Versions => ({ apiVersion: 'v1', at: (value) => ({ type, value }), ignored: {} });
const ownedByAll = (managers: Managers): Fields => [...managers.values()].map(({ fields }) => fields).reduce(unionOf, {});
const same = (type: MergeType, a: unknown, b: unknown): boolean => deepEqual(unordered(type, a), unordered(type, b));
const sameManagers = (a: Managers, b: Managers): boolean =>
  a.size === b.size && [...a].every(([key, { fields }]) => sameFields(fields, b.get(key)?.fields ?? { none: {} }));

interface World {
  readonly type: MergeType;
  readonly live: unknown;
  readonly managers: Managers;
}

/** A state that a few managers have made by applying and updating. */
function worldFrom(dice: Dice, type: MergeType): World {
  let live: unknown = {};
  let managers: Managers = new Map();
  for (let left = dice.below(6); left > 0; left -= 1) {
    const value = valueFrom(dice, type);
    if (dice.once(3)) {
      managers = managersAfterUpdate(versionsOf(type), live, value, managers, dice.pick(['updater', 'other']));
      live = value;
    } else ({ value: live, managers } = apply(versionsOf(type), live, value, managers, dice.pick(['one', 'two', 'three']), true));
  }
  return { type, live, managers };
}

/** Runs a property over random types and states, and says what the case was. */
function holds(runs: number, property: (dice: Dice, world: World) => boolean): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const dice = new Dice(seed);
      const world = worldFrom(dice, rootFrom(dice));
      return property(dice, world);
    }),
    { numRuns: runs },
  );
}

const RUNS = 600;

describe('merging, whatever the types', () => {
  test('is associative but for the order of lists', () => {
    holds(RUNS, (dice, { type, live }) => {
      const b = valueFrom(dice, type);
      const c = valueFrom(dice, type);
      return same(type, merge(type, merge(type, live, b), c), merge(type, live, merge(type, b, c)));
    });
  });

  test('the same twice changes nothing, order included', () => {
    holds(RUNS, (dice, { type, live }) => {
      const b = valueFrom(dice, type);
      const once = merge(type, live, b);
      return deepEqual(merge(type, once, b), once);
    });
  });

  test('nothing into a value, or a value into nothing, gives the value', () => {
    holds(RUNS, (dice, { type, live }) => deepEqual(merge(type, live, undefined), live) && deepEqual(merge(type, undefined, live), live));
  });

  test('a value has no problems and differs from itself in nothing', () => {
    holds(RUNS, (_dice, { type, live }) => {
      const { added, modified, removed } = compare(type, live, structuredClone(live));
      return problemsOf(type, live).length === 0 && [added, modified, removed].every(isEmpty);
    });
  });

  test('what was added one way was removed the other way', () => {
    holds(RUNS, (dice, { type, live }) => {
      const next = valueFrom(dice, type);
      const there = compare(type, live, next);
      const back = compare(type, next, live);
      return sameFields(there.added, back.removed) && sameFields(there.removed, back.added) && sameFields(there.modified, back.modified);
    });
  });
});

describe('sets of fields', () => {
  const setsFrom = (dice: Dice, { type }: World): readonly [Fields, Fields] => [
    fieldsOf(type, valueFrom(dice, type)),
    fieldsOf(type, valueFrom(dice, type)),
  ];

  test('are the same after they were written as FieldsV1 and read', () => {
    holds(RUNS, (dice, world) => {
      const [a, b] = setsFrom(dice, world);
      const set = unionOf(a, b);
      const read = readFields(JSON.parse(JSON.stringify(set)));
      return read !== undefined && sameFields(read, set) && JSON.stringify(read) === JSON.stringify(set);
    });
  });

  test('are a whole of what two have in common and what each has alone', () => {
    holds(RUNS, (dice, world) => {
      const [a, b] = setsFrom(dice, world);
      const parts = unionOf(unionOf(differenceOf(a, b), intersectionOf(a, b)), differenceOf(b, a));
      return sameFields(parts, unionOf(a, b)) && isEmpty(intersectionOf(differenceOf(a, b), b)) && sameFields(unionOf(a, b), unionOf(b, a));
    });
  });
});

describe('server-side apply, whatever the types', () => {
  test('the same twice changes neither the object nor its owners', () => {
    holds(RUNS, (dice, { type, live, managers }) => {
      const config = valueFrom(dice, type);
      const once = apply(versionsOf(type), live, config, managers, 'one', true);
      const twice = apply(versionsOf(type), once.value, config, once.managers, 'one', false);
      return deepEqual(twice.value, once.value) && sameManagers(twice.managers, once.managers);
    });
  });

  test('gives the applier just what it set, and every value has an owner', () => {
    holds(RUNS, (dice, { type, live, managers }) => {
      const config = valueFrom(dice, type);
      const { value, managers: after } = apply(versionsOf(type), live, config, managers, 'one', true);
      const own = after.get('one')?.fields ?? {};
      return sameFields(own, fieldsOf(type, config)) && isEmpty(differenceOf(fieldsOf(type, value), ownedByAll(after)));
    });
  });

  test('has what was applied', () => {
    holds(RUNS, (dice, { type, live, managers }) => {
      const config = valueFrom(dice, type);
      const { value } = apply(versionsOf(type), live, config, managers, 'one', true);
      return same(type, merge(type, value, config), value) && isEmpty(compare(type, value, merge(type, value, config)).modified);
    });
  });

  test('without force is refused for exactly the fields that force takes from others, or does the same', () => {
    holds(RUNS, (dice, { type, live, managers }) => {
      const config = valueFrom(dice, type);
      const forced = apply(versionsOf(type), live, config, managers, 'one', true);
      let conflicts: ReadonlyMap<string, Fields> = new Map();
      try {
        const asked = apply(versionsOf(type), live, config, managers, 'one', false);
        if (!deepEqual(asked.value, forced.value) || !sameManagers(asked.managers, forced.managers)) return false;
      } catch (thrown) {
        if (!(thrown instanceof FieldConflicts)) throw thrown;
        ({ conflicts } = thrown);
      }
      const { removed } = compare(type, live, forced.value);
      return [...managers].every(([key, { fields }]) => {
        if (key === 'one') return true;
        const kept = differenceOf(differenceOf(fields, conflicts.get(key) ?? {}), removed);
        return sameFields(kept, forced.managers.get(key)?.fields ?? {});
      });
    });
  });

  test('of what a manager owns already is no change', () => {
    holds(RUNS, (_dice, { type, live, managers }) =>
      [...managers].every(([key, { fields, applied }]) => {
        if (!applied) return true;
        const config = extracted(type, live, fields) ?? {};
        const { value, managers: after } = apply(versionsOf(type), live, config, managers, key, false);
        return same(type, value, live) && sameManagers(after, managers);
      }),
    );
  });

  test('of nothing gives up everything, and only what nobody else owns goes', () => {
    holds(RUNS, (_dice, { type, live, managers }) =>
      [...managers].every(([key, { applied, fields }]) => {
        if (!applied) return true;
        const { value, managers: after } = apply(versionsOf(type), live, {}, managers, key, false);
        const others = new Map([...managers].filter(([other]) => other !== key));
        const gone = compare(type, live, value);
        const theirs = ownedByAll(others);
        const wholes = (path: readonly string[]): boolean =>
          path.some((_, index) => memberAt(fields, path.slice(0, index)) && !memberAt(theirs, path.slice(0, index)));
        // A map or list that nothing is left in goes, too, whoever owned it.
        const emptied = (path: readonly string[]): boolean => elementsOf(placeIn(fields, path) ?? {}).length > 0;
        const lost = pathsOf(intersectionOf(gone.removed, theirs)).filter((path) => !wholes(path) && !emptied(path));
        const left = intersectionOf(fieldsOf(type, value), differenceOf(fields, ownedByAll(others)));
        return after.get(key) === undefined && isEmpty(gone.added) && lost.length === 0 && leavesOf(left).length === 0;
      }),
    );
  });

  test('an update takes over what it changes, and what it leaves alone stays with its owners', () => {
    holds(RUNS, (dice, { type, live, managers }) => {
      const next = valueFrom(dice, type);
      const after = managersAfterUpdate(versionsOf(type), live, next, managers, 'updater');
      const { added, modified, removed } = compare(type, live, next);
      const changed = unionOf(added, modified);
      return [...new Set([...managers.keys(), 'updater'])].every((key) => {
        const before = managers.get(key)?.fields ?? {};
        const kept = differenceOf(differenceOf(before, changed), removed);
        return sameFields(key === 'updater' ? unionOf(differenceOf(before, removed), changed) : kept, after.get(key)?.fields ?? {});
      });
    });
  });

  test('removing fields from a value leaves none of them', () => {
    holds(RUNS, (dice, { type, live }) => {
      const set = fieldsOf(type, valueFrom(dice, type));
      const rest = withoutFields(type, live, set) ?? {};
      return leavesOf(intersectionOf(fieldsOf(type, rest), set)).length === 0;
    });
  });
});

/** Where a path ends in a set. */
function placeIn(set: Fields, path: readonly string[]): Fields | undefined {
  let place: Fields | undefined = set;
  for (const element of path) place = place?.[element];
  return place;
}

/** Whether a place is in a set itself: an item of a list or a member of a map goes with whoever owned it, whatever others own below it. */
function memberAt(set: Fields, path: readonly string[]): boolean {
  const place = placeIn(set, path);
  return path.length > 0 && place !== undefined && isMember(place);
}

/** The fields of a set that are not merely places of others: what has below it something that somebody else put there stays. */
const leavesOf = (set: Fields): readonly (readonly string[])[] =>
  pathsOf(set).filter((path) => elementsOf(placeIn(set, path) ?? {}).length === 0);
