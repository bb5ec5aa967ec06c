import facts from '../generated/facts.json';

/** What upstream's Go types say of one field. */
export interface FieldFact {
  /** `string`, `int32`, ...; `#model`; `[]T`; `map:T`. */
  readonly type: string;
  /** The values of the innermost string, where upstream calls it an enumeration. */
  readonly enum?: readonly string[];
  /** What upstream's documents give as the field's default; defaulting itself is the strategies' work. */
  readonly default?: unknown;
  readonly pointer?: boolean;
  /** Go's `omitempty`: an empty value is not written. */
  readonly omit?: boolean;
  readonly omitZero?: boolean;
  readonly optional?: boolean;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** The field's number in protobuf. */
  readonly proto?: number;
  /** The embedded struct a field comes from: its number and model. */
  readonly via?: string;
}

/** The fields of one Go type, in Go's order. */
export type ModelFacts = Readonly<Record<string, FieldFact>>;

/** Every type this release knows, by its OpenAPI name, e.g. `io.k8s.api.core.v1.Pod`. */
export const MODELS = facts.types as unknown as Readonly<Record<string, ModelFacts>>;

/** Structs that have one owner as a whole (structType=atomic). */
export const ATOMIC_MODELS: ReadonlySet<string> = new Set(facts.atomic);

/** A struct of which one member counts: the member that says which, and the Go names of the others. */
export interface UnionFacts {
  readonly discriminator?: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The structs that are unions (marker `+union`), by model. */
export const UNIONS: Readonly<Record<string, UnionFacts>> = facts.unions;

/** The fields of a model. An unknown name is a bug: it throws. */
export function modelFacts(model: string): ModelFacts {
  const found = Object.hasOwn(MODELS, model) ? MODELS[model] : undefined;
  if (!found) throw new Error(`no facts about the type ${model}`);
  return found;
}

/** The last part of a model's name, e.g. `PodSpec`. */
export const shortName = (model: string): string => model.slice(model.lastIndexOf('.') + 1);

/** The version a model belongs to, e.g. `v1`. */
export const versionOfModel = (model: string): string => model.split('.').at(-2) ?? '';

/** Go's name of a type as its messages print it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`. */
export function goTypeName(type: string): string {
  if (type.startsWith('[]')) return `[]${goTypeName(type.slice(2))}`;
  if (type.startsWith('map:')) return `map[string]${goTypeName(type.slice(4))}`;
  if (type.startsWith('#')) return `${versionOfModel(type)}.${shortName(type)}`;
  if (type === 'bytes') return '[]uint8';
  return type === 'double' ? 'float64' : type;
}
