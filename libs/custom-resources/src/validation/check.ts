import type { JsonSchema } from '../types.js';
import { additionalOf, itemsOf } from '../schema/node.js';
import { formatOf } from './formats.js';
import { compilePattern, type Pattern } from './pattern.js';

/** What a schema says values may be, compiled: as kube-openapi's validators after Kubernetes' own changes to the schema. */
export interface Check {
  readonly types: readonly string[];
  readonly nullable: boolean;
  /** '' where there is none, or none that is known. */
  readonly format: string;
  readonly isOfFormat: ((text: string) => boolean) | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMaximum: boolean;
  readonly minimum: number | undefined;
  readonly exclusiveMinimum: boolean;
  readonly multipleOf: number | undefined;
  readonly maxLength: number | undefined;
  readonly minLength: number | undefined;
  readonly pattern: Pattern | undefined;
  readonly maxItems: number | undefined;
  readonly minItems: number | undefined;
  readonly maxProperties: number | undefined;
  readonly minProperties: number | undefined;
  readonly enum: readonly unknown[] | undefined;
  readonly required: readonly string[];
  readonly properties: ReadonlyMap<string, Check>;
  /** False: no others. */
  readonly additional: Check | false | undefined;
  readonly items: Check | undefined;
  readonly allOf: readonly Check[];
  readonly anyOf: readonly Check[];
  readonly oneOf: readonly Check[];
  readonly not: Check | undefined;
  /** By what an item of a list is known again in the old state; undefined where items aren't. */
  readonly listMapKeys: readonly string[] | undefined;
}

/** Compiles a schema. Throws PatternError where a pattern is none. */
export function checkOf(schema: JsonSchema): Check {
  const checks = (list: readonly JsonSchema[] | undefined): readonly Check[] => (list ?? []).map(checkOf);
  const known = formatOf(schema.format ?? '');
  const additional = additionalOf(schema);
  const items = itemsOf(schema);
  const type = schema.type ?? '';
  return {
    types: schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : type === '' ? [] : [type],
    nullable: schema.nullable === true,
    format: known === undefined ? '' : (schema.format ?? ''),
    isOfFormat: known,
    maximum: schema.maximum,
    exclusiveMaximum: schema.exclusiveMaximum === true,
    minimum: schema.minimum,
    exclusiveMinimum: schema.exclusiveMinimum === true,
    multipleOf: schema.multipleOf,
    maxLength: schema.maxLength,
    minLength: schema.minLength,
    pattern: schema.pattern ? compilePattern(schema.pattern) : undefined,
    maxItems: schema.maxItems,
    minItems: schema.minItems,
    maxProperties: schema.maxProperties,
    minProperties: schema.minProperties,
    enum: schema.enum && schema.enum.length > 0 ? schema.enum : undefined,
    required: schema.required ?? [],
    properties: new Map(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, checkOf(one)])),
    additional: additional ? checkOf(additional) : schema.additionalProperties === false ? false : undefined,
    items: items && checkOf(items),
    allOf: checks(schema.allOf),
    anyOf: checks(schema.anyOf),
    oneOf: checks(schema.oneOf),
    not: schema.not && checkOf(schema.not),
    listMapKeys: schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined,
  };
}
