import { nodeOf, ruleTreeOf, validateRules } from '../index.js';
import type { JsonSchema, ValidationRule } from '../index.js';
import { validateCelRules } from '../definition/cel-rules.js';

const schemaWith = (rules: readonly ValidationRule[], at: Partial<JsonSchema> = {}): JsonSchema => ({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': rules,
      properties: {
        min: { type: 'integer' },
        max: { type: 'integer' },
        host: { type: 'string' },
        any: { 'x-kubernetes-int-or-string': true },
        list: { type: 'array', maxItems: 10, items: { type: 'string' } },
      },
      ...at,
    },
  },
});

function broken(schema: JsonSchema, value: unknown, old?: unknown): readonly string[] {
  const tree = ruleTreeOf(nodeOf(schema));
  if (!tree) throw new Error('the schema has no rules');
  return validateRules(tree, value, old).map(({ field, message }) => `${field}: ${message}`);
}

describe('rules on objects', () => {
  const order: ValidationRule = { rule: 'self.min <= self.max', message: 'min is above max' };
  it('say what is broken, where', () => {
    expect(broken(schemaWith([order]), { spec: { min: 2, max: 1 } })).toEqual(['spec: Invalid value: "object": min is above max']);
    expect(broken(schemaWith([order]), { spec: { min: 1, max: 1 } })).toEqual([]);
  });

  it.each<[ValidationRule, string]>([
    [{ rule: 'self.min <= self.max' }, 'spec: Invalid value: "object": failed rule: self.min <= self.max'],
    [
      { rule: 'self.min <= self.max', messageExpression: '"min " + string(self.min) + " is above"' },
      'spec: Invalid value: "object": min 2 is above',
    ],
    [{ ...order, reason: 'FieldValueForbidden' }, 'spec: Forbidden: min is above max'],
    [{ ...order, fieldPath: '.min' }, 'spec.min: Invalid value: "object": min is above max'],
    [{ ...order, reason: 'FieldValueRequired', fieldPath: '.host' }, 'spec.host: Required value: min is above max'],
    [{ rule: 'self.host == "x"' }, 'spec: Invalid value: "object": no such key: host evaluating rule: self.host == "x"'],
  ])('%j: %s', (rule, sentence) => {
    expect(broken(schemaWith([rule]), { spec: { min: 2, max: 1 } })).toEqual([sentence]);
  });

  it('compare with the old state, where there is one', () => {
    const schema = schemaWith([{ rule: 'self.min >= oldSelf.min', message: 'min may not fall' }]);
    expect(broken(schema, { spec: { min: 1 } })).toEqual([]);
    expect(broken(schema, { spec: { min: 1 } }, { spec: { min: 2 } })).toEqual(['spec: Invalid value: "object": min may not fall']);
    const optional = schemaWith([{ rule: 'oldSelf.hasValue() || self.min == 0', message: 'begins at 0', optionalOldSelf: true }]);
    expect(broken(optional, { spec: { min: 1 } })).toEqual(['spec: Invalid value: "object": begins at 0']);
    expect(broken(optional, { spec: { min: 1 } }, { spec: { min: 0 } })).toEqual([]);
  });

  it('let stand what was wrong before and has not changed', () => {
    const wrong = { spec: { min: 2, max: 1 } };
    expect(broken(schemaWith([order]), wrong, wrong)).toEqual([]);
  });

  it('stop where the budget ends', () => {
    const value = { spec: { list: Array.from({ length: 3_000 }, (_, index) => `item-${index}`) } };
    const schema = schemaWith([{ rule: 'self.list.all(a, self.list.all(b, a == b || a != b))' }]);
    const [first = ''] = broken(schema, value);
    expect(first).toContain('no further validation rules will be run');
  });
});

describe('rules of a definition', () => {
  const problems = (schema: JsonSchema): readonly string[] =>
    validateCelRules(nodeOf(schema), 'schema').map(({ field, message }) => `${field}: ${message}`);
  const at = 'schema.properties[spec].x-kubernetes-validations[0]';
  const shown = (rule: string, more = ''): string =>
    `{"Rule":"${rule}","Message":"","MessageExpression":"${more}","Reason":null,"FieldPath":"","OptionalOldSelf":null}`;

  it.each<[ValidationRule, readonly string[]]>([
    [{ rule: 'self.min < self.max' }, []],
    [
      { rule: 'self.nothing == 1' },
      [
        `${at}.rule: Invalid value: ${shown('self.nothing == 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'nothing'\n | self.nothing == 1\n | ....^`,
      ],
    ],
    [{ rule: 'self.min' }, [`${at}.rule: Invalid value: ${shown('self.min')}: cel expression must evaluate to a bool`]],
    [
      { rule: 'true', messageExpression: '1' },
      [`${at}.messageExpression: Invalid value: ${shown('true', '1')}: messageExpression must evaluate to a string`],
    ],
    [
      { rule: 'true', optionalOldSelf: true },
      [`${at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`],
    ],
  ])('%j: %j', (rule, sentences) => {
    expect(problems(schemaWith([rule]))).toEqual(sentences);
  });

  it('may not look back where items are not known again', () => {
    const items: JsonSchema = { type: 'string', maxLength: 10, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] };
    const schema: JsonSchema = { type: 'object', properties: { list: { type: 'array', maxItems: 10, items } } };
    expect(problems(schema)).toEqual([
      'schema.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": ' +
        'oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[list]',
    ]);
  });
});
