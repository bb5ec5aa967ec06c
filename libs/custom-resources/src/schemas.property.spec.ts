import fc from 'fast-check';
import {
  applyDefaults,
  checkOf,
  mergeTypeOfSchema,
  nodeOf,
  prune,
  ruleTreeOf,
  validateDefinition,
  validateInvariants,
  validateRules,
  validateValue,
} from './index.js';
import type { CustomResourceDefinition, JsonSchema } from './index.js';

const name = fc.constantFrom('a', 'b', 'spec', 'metadata', 'kind', 'constructor', '__proto__', 'toString');
const value = fc.jsonValue({ maxDepth: 3 });

const leaf: fc.Arbitrary<JsonSchema> = fc.constantFrom<JsonSchema>(
  { type: 'string', default: 'x' },
  { type: 'integer', nullable: true },
  { 'x-kubernetes-int-or-string': true },
  { 'x-kubernetes-preserve-unknown-fields': true },
);

/** Schemas that may well be right. */
const sound = (depth: number): fc.Arbitrary<JsonSchema> => {
  if (depth === 0) return leaf;
  const inner = sound(depth - 1);
  return fc.oneof(
    leaf,
    inner.map((items): JsonSchema => ({ type: 'array', items })),
    inner.map((additionalProperties): JsonSchema => ({ type: 'object', additionalProperties })),
    fc.dictionary(name, inner, { maxKeys: 3 }).map((properties): JsonSchema => ({ type: 'object', properties })),
  );
};

/** Schemas, most of them wrong in some way. */
const schema = (depth: number): fc.Arbitrary<JsonSchema> => {
  const inner = depth === 0 ? leaf : schema(depth - 1);
  return fc.record(
    {
      type: fc.constantFrom('object', 'array', 'string', 'integer', 'number', 'boolean', 'null', 'text'),
      properties: fc.dictionary(name, inner, { maxKeys: 2 }),
      additionalProperties: fc.oneof(fc.boolean(), inner),
      items: fc.oneof(inner, fc.array(inner, { maxLength: 1 })),
      default: value,
      nullable: fc.boolean(),
      enum: fc.array(value, { maxLength: 2 }),
      pattern: fc.constantFrom('^a+$', '(', '(a+)+$', '\\p{L}'),
      format: fc.constantFrom('date', 'ipv4', 'byte', 'int32', 'x'),
      minimum: fc.integer(),
      maxLength: fc.nat(),
      required: fc.array(name, { maxLength: 2 }),
      anyOf: fc.array(inner, { maxLength: 1 }),
      not: inner,
      'x-kubernetes-preserve-unknown-fields': fc.boolean(),
      'x-kubernetes-embedded-resource': fc.boolean(),
      'x-kubernetes-int-or-string': fc.boolean(),
      'x-kubernetes-list-type': fc.constantFrom('atomic', 'set', 'map', 'x'),
      'x-kubernetes-list-map-keys': fc.array(name, { maxLength: 2 }),
      'x-kubernetes-map-type': fc.constantFrom('atomic', 'granular', 'x'),
      'x-kubernetes-validations': fc.array(fc.record({ rule: fc.constantFrom('true', 'self.a == 1', 'oldSelf == self', '(') }), {
        maxLength: 1,
      }),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonSchema>;
};

const definition = (openAPIV3Schema: JsonSchema): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'xs.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'xs', singular: 'x', kind: 'X', listKind: 'XList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
  },
  status: { acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] },
});

describe('any schema', () => {
  it('is judged without fail, and works on any value where it is admitted', () => {
    fc.assert(
      fc.property(fc.oneof(schema(2), sound(3)), value, value, (given, next, old) => {
        if (validateDefinition(definition({ type: 'object', properties: { spec: given } })).length > 0) return;
        const node = nodeOf(given);
        const check = checkOf(given);
        mergeTypeOfSchema(node, { kind: 'deduced' });
        const read = applyDefaults(node, prune(node, next, false, []));
        validateValue(check, read, old);
        validateInvariants(node, read);
        const tree = ruleTreeOf(node);
        if (tree) validateRules(tree, read, old);
      }),
      { numRuns: 500 },
    );
  });

  it('prunes and fills in once and for all', () => {
    fc.assert(
      fc.property(sound(3), value, (given, next) => {
        const node = nodeOf(given);
        const pruned = prune(node, next, false, undefined);
        expect(prune(node, pruned, false, undefined)).toBe(pruned);
        const filled = applyDefaults(node, pruned);
        expect(applyDefaults(node, filled)).toBe(filled);
      }),
      { numRuns: 500 },
    );
  });
});
