import { listOptionsOf, sequenceOf } from './list-options.js';

const PODS = { group: '', resource: 'pods' };
const problem = (query: string, watch: boolean): string => {
  try {
    listOptionsOf(new URLSearchParams(query), watch);
    return 'fine';
  } catch (error) {
    return (error as Error).message.replace('ListOptions.meta.k8s.io "" is invalid: ', '');
  }
};

describe('options of a list', () => {
  it.each([
    ['limit=5&resourceVersion=0', 'fine'],
    ['resourceVersion=5&resourceVersionMatch=Exact', 'fine'],
    ['resourceVersionMatch=Exact', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [
      'resourceVersion=5&resourceVersionMatch=Exact&continue=x',
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
    ],
    [
      'resourceVersion=0&resourceVersionMatch=Exact',
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'resourceVersion=5&resourceVersionMatch=Newest',
      'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['sendInitialEvents=true', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
  ])('%s: %s', (query, said) => {
    expect(problem(query, false)).toBe(said);
  });
});

describe('options of a watch', () => {
  it.each([
    ['sendInitialEvents=true&resourceVersionMatch=NotOlderThan', 'fine'],
    ['sendInitialEvents=true', 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [
      'resourceVersionMatch=NotOlderThan',
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    [
      'sendInitialEvents=true&resourceVersionMatch=Exact',
      '[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, ' +
        'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
    ],
  ])('%s: %s', (query, said) => {
    expect(problem(query, true)).toBe(said);
  });
});

it('refuses a resourceVersion that is no number', () => {
  expect(() => sequenceOf('abc', PODS)).toThrow(
    'pods "" is invalid: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
  );
});
