import { compileJsonPath, JsonPathError } from './index.js';

const object = {
  spec: {
    replicas: 3,
    'a.b': 'dotted',
    list: [
      { name: 'x', port: 1 },
      { name: 'y', port: 2 },
    ],
    tags: ['a', 'b', 'c'],
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
};

describe('a path', () => {
  it.each([
    ['.spec.replicas', [3]],
    ['.spec.missing', []],
    ['.spec.missing.deeper', []],
    ["['spec']['a.b']", ['dotted']],
    ['.spec.a\\.b', ['dotted']],
    ['.spec.tags[1]', ['b']],
    ['.spec.tags[-1]', ['c']],
    ['.spec.tags[0:2]', ['a', 'b']],
    ['.spec.tags[*]', ['a', 'b', 'c']],
    ['.spec.list[*].name', ['x', 'y']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Other')].status", ['False']],
    ['.spec.list[?(@.port>1)].name', ['y']],
    ['..type', ['Ready', 'Other']],
    ['.', [object]],
  ])('%s finds %j', (path, found) => {
    expect(compileJsonPath(path)(object)).toEqual(found);
  });

  it.each(['spec', '.a[', '.a[x]'])('%s can not be read', (path) => {
    expect(() => compileJsonPath(path)).toThrow(JsonPathError);
  });
});
