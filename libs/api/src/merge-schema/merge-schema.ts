import type { MergeType } from '#libs/structured-merge';
import { ATOMIC_MODELS, modelFacts, type FieldFact, type ModelFacts } from '../schema/facts.js';

const SCALAR: MergeType = { kind: 'scalar' };

/** What upstream's SetDefaults give the fields by which list items are told apart. */
const KEY_DEFAULTS: Readonly<Record<string, string>> = { protocol: 'TCP' };

/** Types by their text and list or map markers, made once: the same text always merges the same way. */
const made = new Map<string, MergeType>();

function typeOf(type: string, fact: Partial<FieldFact> = {}): MergeType {
  const key = `${type} ${fact.listType ?? ''} ${fact.listMapKeys?.join() ?? ''} ${fact.mapType ?? ''}`;
  const known = made.get(key);
  if (known) return known;
  const is = make(type, fact);
  made.set(key, is);
  return is;
}

function make(type: string, { listType, listMapKeys = [], mapType }: Partial<FieldFact>): MergeType {
  if (type.startsWith('[]')) return makeList(type.slice(2), listType, listMapKeys);
  if (type.startsWith('map:')) {
    const items = typeOf(type.slice(4));
    return { kind: 'map', atomic: mapType === 'atomic', field: () => undefined, items: () => items };
  }
  return type.startsWith('#') ? makeStruct(type.slice(1), mapType) : SCALAR;
}

function makeList(item: string, listType: string | undefined, keys: readonly string[]): MergeType {
  const type = listType === 'set' || listType === 'map' ? listType : 'atomic';
  const defaults = Object.fromEntries(keys.flatMap((key) => (KEY_DEFAULTS[key] === undefined ? [] : [[key, KEY_DEFAULTS[key]]])));
  return {
    kind: 'list',
    type,
    keys: [...keys].sort(),
    ...(Object.keys(defaults).length > 0 ? { defaults } : {}),
    item: () => typeOf(item),
  };
}

function makeStruct(model: string, mapType: string | undefined): MergeType {
  let facts: ModelFacts | undefined;
  return {
    kind: 'map',
    atomic: mapType === undefined ? ATOMIC_MODELS.has(model) : mapType === 'atomic',
    field(name) {
      facts ??= modelFacts(model);
      const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
      return fact === undefined ? undefined : typeOf(fact.type, fact);
    },
  };
}

/**
 * How the objects of a model merge in server-side apply: by the list types, keys and map types of upstream's Go types.
 * Lists without a type are atomic, structs and maps granular. Throws for a model that is not known.
 */
export function mergeTypeOf(model: string): MergeType {
  modelFacts(model);
  return typeOf(`#${model}`);
}
