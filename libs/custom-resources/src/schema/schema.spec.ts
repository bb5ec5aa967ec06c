import { deepFreeze } from '#libs/apimachinery';
import { applyDefaults, nodeOf, prune } from '../index.js';
import type { JsonSchema } from '../index.js';

const spec = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
});

describe('pruning', () => {
  interface Case {
    readonly name: string;
    readonly schema: JsonSchema;
    readonly value: object;
    readonly pruned: object;
    readonly unknown: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      name: 'drops what is not specified and says where',
      schema: spec({ a: { type: 'string' } }),
      value: { spec: { a: 'x', b: 1, c: { d: 1 } }, other: 1 },
      pruned: { spec: { a: 'x' } },
      unknown: ['spec.b', 'spec.c', 'other'],
    },
    {
      name: 'keeps apiVersion, kind and metadata of a resource',
      schema: { type: 'object' },
      value: { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, spec: {} },
      pruned: { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' } },
      unknown: ['spec'],
    },
    {
      name: 'keeps everything where unknown fields are preserved, but prunes below what is specified',
      schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { spec: { type: 'object', properties: {} } } },
      value: { anything: { goes: 1 }, spec: { no: 1 } },
      pruned: { anything: { goes: 1 }, spec: {} },
      unknown: ['spec.no'],
    },
    {
      name: 'goes into lists and maps',
      schema: spec({
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { a: { type: 'string' } } } },
      }),
      value: { spec: { list: [{ a: 'x', b: 1 }], map: { key: { a: 'x', b: 1 } } } },
      pruned: { spec: { list: [{ a: 'x' }], map: { key: { a: 'x' } } } },
      unknown: ['spec.list[0].b', 'spec.map.key.b'],
    },
    {
      name: 'keeps what an embedded resource says of itself',
      schema: spec({ pod: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { a: { type: 'string' } } } }),
      value: { spec: { pod: { kind: 'Pod', apiVersion: 'v1', metadata: {}, a: '1', b: 2 } } },
      pruned: { spec: { pod: { kind: 'Pod', apiVersion: 'v1', metadata: {}, a: '1' } } },
      unknown: ['spec.pod.b'],
    },
  ];
  it.each(cases)('$name', ({ schema, value, pruned, unknown }) => {
    const told: string[] = [];
    expect(prune(nodeOf(schema), deepFreeze(value), true, told)).toEqual(pruned);
    expect(told).toEqual(unknown);
  });

  it('gives back the same value where nothing is dropped', () => {
    const value = { spec: { a: 'x' } };
    expect(prune(nodeOf(spec({ a: { type: 'string' } })), value, true, undefined)).toBe(value);
  });
});

describe('defaulting', () => {
  const a: JsonSchema = { type: 'string', default: 'A' };
  interface Case {
    readonly name: string;
    readonly schema: JsonSchema;
    readonly value: object;
    readonly filled: object;
  }
  const cases: readonly Case[] = [
    { name: 'fills what is missing where its parent is there', schema: spec({ a }), value: { spec: {} }, filled: { spec: { a: 'A' } } },
    { name: 'makes no parent without a default of its own', schema: spec({ a }), value: {}, filled: {} },
    {
      name: 'fills below a default',
      schema: { type: 'object', properties: { spec: { type: 'object', default: {}, properties: { a } } } },
      value: {},
      filled: { spec: { a: 'A' } },
    },
    { name: 'leaves what is there', schema: spec({ a }), value: { spec: { a: '' } }, filled: { spec: { a: '' } } },
    { name: 'replaces a null that may not be', schema: spec({ a }), value: { spec: { a: null } }, filled: { spec: { a: 'A' } } },
    {
      name: 'keeps a null that may be',
      schema: spec({ a: { ...a, nullable: true } }),
      value: { spec: { a: null } },
      filled: { spec: { a: null } },
    },
    {
      name: 'drops a null that may not be and has no default',
      schema: spec({ a: { type: 'string' } }),
      value: { spec: { a: null } },
      filled: { spec: {} },
    },
    {
      name: 'goes into lists and maps',
      schema: spec({
        list: { type: 'array', items: { type: 'object', properties: { a } } },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { a } } },
      }),
      value: { spec: { list: [{}], map: { k: {} } } },
      filled: { spec: { list: [{ a: 'A' }], map: { k: { a: 'A' } } } },
    },
  ];
  it.each(cases)('$name', ({ schema, value, filled }) => {
    expect(applyDefaults(nodeOf(schema), deepFreeze(value))).toEqual(filled);
  });

  it('refuses an object that defaults would make too long', () => {
    const big = 'x'.repeat(100_000);
    const schema = spec({ list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: big } } } } });
    const value = { spec: { list: Array.from({ length: 100 }, () => ({})) } };
    expect(() => applyDefaults(nodeOf(schema), value)).toThrow('would add more than');
  });
});
