import { nodeOf } from '../schema/node.js';
import type { JsonSchema } from '../types.js';
import { validateCelRules } from './cel-rules.js';

const ADVICE = 'or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
const list = (more: object, items: object = { type: 'string' }): object => ({ type: 'array', items, ...more });
const rule = (text: string): object => ({ 'x-kubernetes-validations': [{ rule: text }] });
const object = (properties: object, more: object = {}): JsonSchema => ({ type: 'object', properties, ...more }) as JsonSchema;
const said = (schema: JsonSchema): readonly string[] =>
  validateCelRules(nodeOf(schema), 'schema').map(({ field, message }) => `${field}: ${message}`);

test('a rule that goes through one list is cheap enough', () => {
  expect(said(object({ a: list({}) }, rule('self.a.all(x, x == "y")')))).toEqual([]);
});

test('a rule that goes through a list for each of its items is refused without a bound, and lets pass with one', () => {
  const nested = 'self.a.all(x, self.a.all(y, x == y))';
  expect(said(object({ a: list({}) }, rule(nested)))[0]).toBe(
    `schema.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, ${ADVICE}`,
  );
  expect(said(object({ a: list({ maxItems: 10 }, { type: 'string', maxLength: 10 }) }, rule(nested)))).toEqual([]);
});

test('a rule counts once for each place that it applies to', () => {
  const items = { type: 'object', properties: { s: { type: 'string' }, t: { type: 'string' } }, ...rule('self.s == self.t') };
  expect(said(object({ a: list({ maxItems: 50 }, items) }))).toEqual([
    `schema.properties[a].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.6x (try simplifying the rule, ${ADVICE}`,
  ]);
  expect(said(object({ a: list({ maxItems: 10 }, items) }))).toEqual([]);
});
