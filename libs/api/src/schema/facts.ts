import facts from '../generated/facts.json';
import { APIEXTENSIONS_FACTS } from './apiextensions-facts.js';
import { APIREGISTRATION_FACTS } from './apiregistration-facts.js';
import type { FieldFact, ModelFacts } from './field-fact.js';

export type { FieldFact, ModelFacts };

/** Every type this release knows, by its OpenAPI name, e.g. `io.k8s.api.core.v1.Pod`. */
export const MODELS: Readonly<Record<string, ModelFacts>> = {
  ...(facts.types as unknown as Readonly<Record<string, ModelFacts>>),
  ...APIEXTENSIONS_FACTS,
  ...APIREGISTRATION_FACTS,
};

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

/** Types that are a schema or something else, as Go calls them. */
const SCHEMA_UNIONS: Readonly<Record<string, string>> = {
  schemaOrBool: 'v1.JSONSchemaPropsOrBool',
  schemaOrArray: 'v1.JSONSchemaPropsOrArray',
  schemaOrStrings: 'v1.JSONSchemaPropsOrStringArray',
};

/** Go's name of a type as its messages print it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`. */
export function goTypeName(type: string): string {
  if (type.startsWith('[]')) return `[]${goTypeName(type.slice(2))}`;
  if (type.startsWith('map:')) return `map[string]${goTypeName(type.slice(4))}`;
  if (type.startsWith('#')) return `${versionOfModel(type)}.${shortName(type)}`;
  if (type === 'bytes') return '[]uint8';
  if (Object.hasOwn(SCHEMA_UNIONS, type)) return SCHEMA_UNIONS[type] ?? type;
  return type === 'double' ? 'float64' : type;
}
