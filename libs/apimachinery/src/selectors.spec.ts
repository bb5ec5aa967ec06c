import fc from 'fast-check';
import { fieldSelectorText, parseFieldSelector } from './field-selector.js';
import { labelSelectorOf, parseLabelSelector, selectorFromLabels } from './label-selector.js';
import { StatusError } from './status-error.js';

const LABELS = { app: 'web', tier: 'front', 'example.com/size': '10', empty: '' };

describe('parseLabelSelector', () => {
  it.each([
    ['', true],
    ['app', true],
    ['app=web', true],
    ['app==web', true],
    ['app!=web', false],
    ['app=web,tier=front', true],
    ['app=web,tier=back', false],
    ['!app', false],
    ['!missing', true],
    ['! missing', true],
    ['missing', false],
    ['missing!=x', true],
    ['missing notin (x)', true],
    ['app in (web, api)', true],
    ['app in (api)', false],
    ['app notin (web)', false],
    ['empty=', true],
    ['empty in ()', true],
    ['empty in (,x)', true],
    ['app in (,x)', false],
    ['example.com/size>9', true],
    ['example.com/size<9', false],
    ['app>1', false],
    ['in in (in,notin)', false],
    ['x in (a),app', false],
    ['app = web , tier', true],
    ['constructor', false],
  ])('%s matches: %s', (text, matches) => {
    expect(parseLabelSelector(text).matches(LABELS)).toBe(matches);
  });

  it.each([
    ['app in', "unable to parse requirement: found '' expected: '('"],
    ['app in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['app in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['app in (a b)', "unable to parse requirement: found 'b', expected: ',' or ')'"],
    ['app web', "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"],
    ['app=web tier', "found 'tier', expected: ',' or 'end of string'"],
    ['app=web,', "found '', expected: identifier after ','"],
    [',app', "found ',', expected: !, identifier, or 'end of string'"],
    ['=web', "found '=', expected: !, identifier, or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['app==(web)', "unable to parse requirement: found '(', expected: identifier"],
    ['app>x', `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
    [
      'app=-x',
      `unable to parse requirement: values[0][app]: Invalid value: "-x": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
    [
      '-a',
      `unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  ])('%s is refused', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(new StatusError('BadRequest', message));
  });

  it.each([
    ['b=1,a=2', 'a=2,b=1'],
    ['a in (y,x,y)', 'a in (x,y)'],
    ['a notin(x)', 'a notin (x)'],
    ['!a,b', '!a,b'],
    ['a==1,b!=2,c>3', 'a==1,b!=2,c>3'],
  ])('%s is written %s', (text, written) => {
    expect(`${parseLabelSelector(text)}`).toBe(written);
  });

  it('reads again what it wrote', () => {
    const name = fc.constantFrom('a', 'b', 'in', 'x.y/z');
    const values = fc.uniqueArray(fc.constantFrom('1', '2', 'notin'), { minLength: 1 });
    const requirement = fc.oneof(
      name,
      name.map((key) => `!${key}`),
      fc.tuple(name, fc.constantFrom('=', '==', '!='), fc.constantFrom('1', 'v', '')).map(([key, op, value]) => `${key}${op}${value}`),
      fc.tuple(name, fc.constantFrom('in', 'notin'), values).map(([key, op, list]) => `${key} ${op} (${list.join(',')})`),
    );
    fc.assert(
      fc.property(fc.array(requirement), (parts) => {
        const selector = parseLabelSelector(parts.join(','));
        expect(parseLabelSelector(`${selector}`).requirements).toEqual(selector.requirements);
      }),
    );
  });
});

describe('labelSelectorOf', () => {
  it.each([
    [undefined, false],
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  ])('%j matches: %s', (spec, matches) => {
    expect(labelSelectorOf(spec).matches(LABELS)).toBe(matches);
  });

  it('selects by equality what a Service selects', () => {
    expect(selectorFromLabels({ app: 'web' }).matches(LABELS)).toBe(true);
    expect(selectorFromLabels({ app: 'web' }).matches(undefined)).toBe(false);
  });
});

describe('parseFieldSelector', () => {
  it.each([
    ['', []],
    ['metadata.name=a', [{ field: 'metadata.name', operator: '=', value: 'a' }]],
    ['metadata.name==a', [{ field: 'metadata.name', operator: '=', value: 'a' }]],
    [
      'b!=1,a=2',
      [
        { field: 'a', operator: '=', value: '2' },
        { field: 'b', operator: '!=', value: '1' },
      ],
    ],
    ['a=x\\,y\\=z\\\\', [{ field: 'a', operator: '=', value: 'x,y=z\\' }]],
    ['a=', [{ field: 'a', operator: '=', value: '' }]],
    [',a=1,', [{ field: 'a', operator: '=', value: '1' }]],
  ])('%s', (text, requirements) => {
    expect(parseFieldSelector(text)).toEqual(requirements);
  });

  it.each([
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
  ])('%s is refused', (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(new StatusError('BadRequest', message));
  });

  it('reads again what was escaped', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const requirements = [{ field: 'a', operator: '=' as const, value }];
        expect(parseFieldSelector(fieldSelectorText(requirements))).toEqual(requirements);
      }),
    );
  });
});
