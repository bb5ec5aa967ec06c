import { checkOf, nodeOf, validateInvariants, validateValue } from '../index.js';
import type { JsonSchema } from '../index.js';

const schema: JsonSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['host'],
      maxProperties: 20,
      properties: {
        host: { type: 'string', minLength: 2, maxLength: 5, pattern: '^[a-z]*$' },
        replicas: { type: 'integer', minimum: 1, maximum: 9 },
        above: { type: 'number', minimum: 1, exclusiveMinimum: true, multipleOf: 0.5 },
        mode: { type: 'string', enum: ['on', 'off'] },
        port: { 'x-kubernetes-int-or-string': true },
        when: { type: 'string', format: 'date-time' },
        day: { type: 'string', format: 'date' },
        address: { type: 'string', format: 'ipv4' },
        odd: { type: 'string', format: 'whatever' },
        list: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string' } },
        map: { type: 'object', additionalProperties: { type: 'integer' } },
        maybe: { type: 'string', nullable: true },
        either: {
          type: 'object',
          properties: { a: { type: 'string' }, b: { type: 'string' } },
          oneOf: [{ required: ['a'] }, { required: ['b'] }],
        },
        any: {
          type: 'object',
          properties: { a: { type: 'string' }, b: { type: 'string' } },
          anyOf: [{ required: ['a'] }, { required: ['b'] }],
        },
        not: { type: 'integer', not: { minimum: 10 } },
        all: { type: 'integer', allOf: [{ minimum: 2 }] },
      },
    },
  },
};
const check = checkOf(schema);
const lines = (value: unknown, old?: unknown): readonly string[] =>
  validateValue(check, value, old).map(({ field, message }) => `${field}: ${message}`);

interface Case {
  readonly spec: object;
  readonly problems: readonly string[];
}

const cases: readonly Case[] = [
  { spec: {}, problems: [] },
  { spec: { host: undefined }, problems: [] },
  {
    spec: { replicas: 'x' },
    problems: ['spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
  },
  {
    spec: { replicas: 1.5 },
    problems: ['spec.replicas: Invalid value: "number": spec.replicas in body must be of type integer: "number"'],
  },
  { spec: { replicas: null }, problems: ['spec.replicas: Invalid value: "null": spec.replicas in body must be of type integer: "null"'] },
  { spec: { replicas: 0 }, problems: ['spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1'] },
  { spec: { replicas: 10 }, problems: ['spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9'] },
  { spec: { above: 1 }, problems: ['spec.above: Invalid value: 1: spec.above in body should be greater than 1'] },
  { spec: { above: 1.25 }, problems: ['spec.above: Invalid value: 1.25: spec.above in body should be a multiple of 0.5'] },
  { spec: { host: 'a' }, problems: ['spec.host: Invalid value: "a": spec.host in body should be at least 2 chars long'] },
  { spec: { host: 'abcdef' }, problems: ['spec.host: Too long: may not be more than 5 bytes'] },
  { spec: { host: 'AB' }, problems: ['spec.host: Invalid value: "AB": spec.host in body should match \'^[a-z]*$\''] },
  { spec: { mode: 'up' }, problems: ['spec.mode: Unsupported value: "up": supported values: "on", "off"'] },
  { spec: { port: true }, problems: ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'] },
  { spec: { port: '80' }, problems: [] },
  { spec: { when: 'soon' }, problems: ['spec.when: Invalid value: "soon": spec.when in body must be of type date-time: "soon"'] },
  { spec: { when: '2020-01-01T00:00:00Z', day: '2020-02-29' }, problems: [] },
  { spec: { day: '2021-02-29' }, problems: ['spec.day: Invalid value: "2021-02-29": spec.day in body must be of type date: "2021-02-29"'] },
  {
    spec: { address: '1.2.3.256' },
    problems: ['spec.address: Invalid value: "1.2.3.256": spec.address in body must be of type ipv4: "1.2.3.256"'],
  },
  { spec: { odd: 'anything' }, problems: [] },
  { spec: { list: [] }, problems: ['spec.list: Invalid value: 0: spec.list in body should have at least 1 items'] },
  { spec: { list: ['a', 'b', 'c'] }, problems: ['spec.list: Too many: 3: must have at most 2 items'] },
  {
    spec: { list: ['a', 1] },
    problems: ['spec.list[1]: Invalid value: "integer": spec.list[1] in body must be of type string: "integer"'],
  },
  { spec: { map: { k: 'v' } }, problems: ['spec.map.k: Invalid value: "string": spec.map.k in body must be of type integer: "string"'] },
  { spec: { maybe: null }, problems: [] },
  {
    spec: { either: {} },
    problems: [
      '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid',
      'spec.either.a: Required value',
    ],
  },
  {
    spec: { either: { a: '', b: '' } },
    problems: ['<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  },
  {
    spec: { any: {} },
    problems: ['<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)', 'spec.any.a: Required value'],
  },
  { spec: { not: 11 }, problems: ['<nil>: Invalid value: "": "spec.not" must not validate the schema (not)'] },
  {
    spec: { all: 1 },
    problems: [
      'spec.all: Invalid value: 1: spec.all in body should be greater than or equal to 2',
      '<nil>: Invalid value: "": "spec.all" must validate all the schemas (allOf). None validated',
    ],
  },
];

describe('values against a schema', () => {
  it.each(cases)('$spec: $problems', ({ spec, problems }) => {
    const value = { spec: { host: 'abc', ...spec } };
    expect(lines(JSON.parse(JSON.stringify(value)))).toEqual(
      'host' in spec && spec.host === undefined ? ['spec.host: Required value'] : problems,
    );
  });

  it('says what is missing at the root', () => {
    expect(lines({})).toEqual(['spec: Required value']);
  });

  it('lets stand what was wrong before and has not changed', () => {
    const old = { spec: { host: 'A', replicas: 1 } };
    expect(lines({ spec: { host: 'A', replicas: 2 } }, old)).toEqual([]);
    expect(lines({ spec: { host: 'B', replicas: 2 } }, old)).toEqual([
      'spec.host: Invalid value: "B": spec.host in body should be at least 2 chars long',
    ]);
  });

  it('matches patterns in time in proportion to the text', () => {
    const evil = checkOf({ type: 'string', pattern: '^(a+)+$' });
    const started = Date.now();
    expect(validateValue(evil, `${'a'.repeat(5_000)}!`)).toHaveLength(1);
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});

describe('lists and embedded resources', () => {
  const node = nodeOf({
    type: 'object',
    properties: {
      set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      map: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } } },
      },
      pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  });
  const found = (value: object): readonly string[] => validateInvariants(node, value).map(({ field, message }) => `${field}: ${message}`);
  it.each([
    [{ set: ['a', 'b', 'a'] }, ['set[2]: Duplicate value: "a"']],
    [{ map: [{ name: 'a' }, { name: 'a', value: 'x' }] }, ['map[1]: Duplicate value: {"name":"a"}']],
    [{ map: [{ name: 'a' }, { name: 'b' }], set: ['a'] }, []],
    [{ pod: {} }, ['pod.apiVersion: Required value: must not be empty', 'pod.kind: Required value: must not be empty']],
    [{ pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } } }, []],
    [{ pod: { apiVersion: 'v1', kind: '' } }, ['pod.kind: Invalid value: "": must not be empty']],
    [
      { pod: { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { 'a b': 'c' } } } },
      [expect.stringContaining('pod.metadata.labels: Invalid value: "a b": name part must consist of') as string],
    ],
  ])('%j: %j', (value, problems) => {
    expect(found(value)).toEqual(problems);
  });
});
