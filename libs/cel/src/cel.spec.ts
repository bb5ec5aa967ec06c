import { compile, toJson, yields } from './index.js';
import { BOOL, DOUBLE, DURATION, DYN, INT, listOf, mapOf, objectOf, STRING, TIMESTAMP, type CelType } from './types.js';

const SELF = objectOf('Self', {
  replicas: INT,
  weight: DOUBLE,
  name: STRING,
  namespace: STRING,
  'dash-ed': STRING,
  created: TIMESTAMP,
  wait: DURATION,
  tags: listOf(STRING),
  labels: mapOf(STRING, STRING),
  weights: listOf(DOUBLE),
});
const VARIABLES: Readonly<Record<string, CelType>> = { self: SELF, object: DYN, big: listOf(STRING) };
const OBJECT = {
  metadata: { name: 'web', labels: { app: 'web', 'a.b/c': 'x' } },
  spec: { replicas: 3, ratio: 0.5, containers: [{ name: 'a', image: 'x:1' }, { name: 'b' }], none: null },
};
const GIVEN: Readonly<Record<string, unknown>> = {
  object: OBJECT,
  self: {
    replicas: 2,
    weight: 1,
    name: 'n',
    namespace: 'ns',
    'dash-ed': 'd',
    created: '2024-05-06T07:08:09Z',
    wait: '1h30m',
    tags: ['x', 'y'],
    labels: { k: 'v' },
    weights: [1, 2.5],
  },
  big: Array.from({ length: 1000 }, (_, i) => `item-${i}`),
};

function run(expression: string, limit = 1_000_000): unknown {
  const compiled = compile(expression, { variables: VARIABLES });
  if ('problem' in compiled) return compiled.problem;
  const result = compiled.program.evaluate((name) => GIVEN[name], limit);
  return 'error' in result ? `error: ${result.error}` : toJson(result.value);
}

const TRUE: readonly string[] = [
  // Operators and numbers.
  '1 + 2 * 3 == 7',
  '7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1',
  '1.5 + 1.5 == 3.0 && 2 > 1.5 && 1u < 2',
  '0x10 == 16 && 1e3 == 1000.0 && 3u + 4u == 7u',
  'true || 1 / 0 == 1',
  '!(false && 1 / 0 == 1)',
  'true ? true : 1 / 0 == 1',
  '"a" + "b" == "ab" && b"abc" == bytes("abc") && r"\\n".size() == 2',
  '"\\u00e9" == "\\x65\\u0301" || "\\u00e9".size() == 1',
  '[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2]',
  '{"a": 1}["a"] == 1 && "a" in {"a": 1} && {1: "x"}[1] == "x"',
  'dyn(1) == 1.0 && dyn(1) == 1u && dyn("1") != 1',
  'type(1) == int && type("x") == string && type([]) == list && type(null) == null_type',
  // JSON handed in.
  'object.spec.replicas == 3 && object.spec.ratio == 0.5 && object.spec.none == null',
  'object.metadata.labels["a.b/c"] == "x" && object["metadata"]["name"] == "web"',
  'has(object.spec.replicas) && !has(object.spec.missing)',
  'object.spec.containers.all(c, c.name.matches("^[ab]$"))',
  'object.spec.containers.exists(c, has(c.image) && c.image == "x:1")',
  'object.spec.containers.exists_one(c, has(c.image))',
  'object.spec.containers.map(c, c.name) == ["a", "b"]',
  'object.spec.containers.map(c, has(c.image), c.name) == ["a"]',
  'object.spec.containers.filter(c, !has(c.image))[0].name == "b"',
  'object.metadata.labels.all(k, k.size() > 0)',
  'object.spec.containers.exists(c, c.image == "x:1")',
  // Declared types.
  'self.replicas + 1 == 3 && self.weight * 2.0 == 2.0',
  'self.weights.sum() == 3.5 && self.weights.all(w, w > 0.5)',
  'self.__namespace__ == "ns"',
  'self.dash__dash__ed == "d"',
  'self.created.getFullYear() == 2024 && self.created < timestamp("2025-01-01T00:00:00Z")',
  'self.wait == duration("90m") && self.wait.getMinutes() == 90',
  'self.created + self.wait == timestamp("2024-05-06T08:38:09Z")',
  'string(self.created) == "2024-05-06T07:08:09Z" && string(duration("1.5s")) == "1.5s"',
  'timestamp("2024-05-06T23:08:09Z").getDayOfWeek("Asia/Tokyo") == 2 && timestamp("2024-05-06T23:08:09Z").getHours("-01:00") == 22',
  // Two variables.
  '[1, 2, 3].all(i, v, i + 1 == v) && {"a": 1}.exists(k, v, k == "a" && v == 1)',
  '[1, 2].transformList(i, v, i * v) == [0, 2] && {"a": 1}.transformMap(k, v, v + 1) == {"a": 2}',
  '{"a": "b"}.transformMapEntry(k, v, {v: k}) == {"b": "a"}',
  // Optionals.
  'object.?spec.?missing.orValue(7) == 7 && object.?spec.?replicas.orValue(7) == 3',
  'object.spec.?replicas.hasValue() && !optional.none().hasValue()',
  '[1, 2][?5].orValue(0) == 0 && {"a": 1}[?"a"].value() == 1',
  'optional.of(3).optMap(x, x + 1).value() == 4 && [?optional.none(), 1] == [1]',
  '{?"a": optional.of(1), ?"b": optional.none()} == {"a": 1}',
  'optional.ofNonZeroValue("").or(optional.of("x")).value() == "x"',
  // Strings.
  '"hello".substring(1, 3) == "el" && "hello".charAt(4) == "o" && "hello".indexOf("l") == 2 && "hello".lastIndexOf("l") == 3',
  '"a,b,c".split(",") == ["a", "b", "c"] && "a,b,c".split(",", 2) == ["a", "b,c"] && ["a", "b"].join("-") == "a-b"',
  '"abab".replace("a", "x") == "xbxb" && "abab".replace("a", "x", 1) == "xbab" && " a ".trim() == "a"',
  '"aBc".lowerAscii() == "abc" && "aBc".upperAscii() == "ABC" && "tacocat".startsWith("taco") && "tacocat".endsWith("cat")',
  '"%s has %d, %.2f, %x".format([dyn("a"), dyn(3), dyn(1.5), dyn(255)]) == "a has 3, 1.50, ff"',
  '"%s".format([[dyn(1), dyn("b")]]) == "[1, b]" && strings.quote("a\\nb") == "\\"a\\\\nb\\""',
  '"abc 123".find("[0-9]+") == "123" && "1 2 3".findAll("[0-9]") == ["1", "2", "3"] && "1 2 3".findAll("[0-9]", 2).size() == 2',
  // Lists and sets.
  '[1, 2, 3].isSorted() && ![2, 1].isSorted() && [1, 2, 3].sum() == 6 && [3, 1].min() == 1 && ["b", "a"].max() == "b"',
  '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(5) == -1',
  'sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 2], [2, 1])',
  // Kubernetes' types.
  'quantity("1Gi").isGreaterThan(quantity("1G")) && isQuantity("1Ki") && !isQuantity("x") && quantity("50k").asInteger() == 50000',
  'quantity("1").add(quantity("500m")) == quantity("1500m") && quantity("200M").compareTo(quantity("0.2G")) == 0 && quantity("5").sub(1).asInteger() == 4',
  'ip("127.0.0.1").isLoopback() && ip("::1").family() == 6 && isIP("1.2.3.4") && !isIP("1.2.3") && ip.isCanonical("::1")',
  'cidr("10.0.0.0/8").containsIP("10.1.2.3") && cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")',
  'url("https://a.b:8080/c/d?e=f").getPort() == "8080" && url("https://a.b/c?e=f&e=g").getQuery() == {"e": ["f", "g"]} && !isURL("a b")',
  'format.dns1123Label().validate("ok") == optional.none() && format.named("dns1123Label").value().validate("No!").hasValue()',
  'semver("1.2.3").isLessThan(semver("1.10.0")) && isSemver("v1.0", true) && semver("1.2.3-rc.1").compareTo(semver("1.2.3")) == -1',
  'jsonpatch.escapeKey("a/b~c") == "a~1b~0c"',
];

test.each(TRUE)('is true: %s', (expression) => {
  expect(run(expression)).toBe(true);
});

const ERRORS: readonly (readonly [expression: string, error: string])[] = [
  ['object.spec.missing == 1', 'no such key: missing'],
  ['object.spec.containers[7].name == "x"', 'index out of bounds: 7'],
  ['{"a": 1}["b"] == 1', 'no such key: b'],
  ['1 / 0 == 1', 'division by zero'],
  ['1 % 0 == 1', 'modulus by zero'],
  ['9223372036854775807 + 1 == 0', 'integer overflow'],
  ['object.metadata.name + 1 == 2', 'no such overload'],
  ['int("x") == 1', 'strconv.ParseInt: parsing "x": invalid syntax'],
  ['quantity("x").asInteger() == 1', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ['optional.none().value() == 1', 'optional.none() dereference'],
  ['object.spec.containers.all(c, c.image == "x:1")', 'no such key: image'],
];

test.each(ERRORS)('%s fails with "%s"', (expression, error) => {
  expect(run(expression)).toBe(`error: ${error}`);
});

const PROBLEMS: readonly (readonly [expression: string, problem: string])[] = [
  ['foo.bar == 1', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar == 1\n | ^"],
  ['self.nope > 1', "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^"],
  [
    'self.name + 1 == 2',
    "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(string, int)'\n | self.name + 1 == 2\n | ..........^",
  ],
  [
    'self.name.foo() == 2',
    "ERROR: <input>:1:14: undeclared reference to 'foo' (in container '')\n | self.name.foo() == 2\n | .............^",
  ],
  [
    'self.replicas.matches("x")',
    "ERROR: <input>:1:22: found no matching overload for 'matches' applied to 'int.(string)'\n | self.replicas.matches(\"x\")\n | .....................^",
  ],
  ['[1, "a"] == []', "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, \"a\"] == []\n | ....^"],
  [
    'self.replicas.all(x, true)',
    "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.replicas.all(x, true)\n | ....^",
  ],
  ['self.name.x', "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.x\n | .........^"],
  [
    'self.name ==',
    "ERROR: <input>:1:13: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.name ==\n | ............^",
  ],
  ['true false', "ERROR: <input>:1:6: Syntax error: extraneous input 'false' expecting <EOF>\n | true false\n | .....^"],
  ['has(self)', 'ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^'],
];

test.each(PROBLEMS)('does not compile: %s', (expression, problem) => {
  expect(run(expression)).toBe(problem);
});

const evaluated = (expression: string, limit: number): { readonly error?: string; readonly exhausted?: boolean; readonly cost: number } => {
  const compiled = compile(expression, { variables: VARIABLES });
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.program.evaluate((name) => GIVEN[name], limit) as { cost: number };
};

const COSTS: readonly (readonly [expression: string, cost: number])[] = [
  ['self.replicas > 1', 3],
  ['self.name == "n"', 3],
  ['"a" in ["a", "b"]', 2],
  ['self.name.matches("abcdefgh")', 4],
  ['object.spec.containers.map(c, c.name)', 3 + 11 + 2 * (12 + 2)],
];

test.each(COSTS)('%s costs %d, as upstream reckons', (expression, cost) => {
  expect(evaluated(expression, 1e6).cost).toBe(cost);
});

const ESTIMATES: readonly (readonly [expression: string, cost: number])[] = [
  ['self.replicas > 1', 3],
  ['few.all(x, x > 1)', 2 + 10 * 5],
  ['short.matches("abcdefgh")', 1 + Math.ceil(41 * 0.1) * 2],
  ['many.all(x, many.all(y, x == y))', 1e12],
];

test.each(ESTIMATES)('%s is estimated to cost up to %d', (expression, cost) => {
  const compiled = compile(expression, {
    variables: { ...VARIABLES, few: listOf(INT, 10), short: { kind: 'string', max: 10 }, many: listOf(INT) },
  });
  if ('problem' in compiled) throw new Error(compiled.problem);
  const estimated = compiled.program.estimatedCost();
  if (cost < 1e6) expect(estimated).toBe(cost);
  else expect(estimated).toBeGreaterThan(cost);
});

const HOSTILE: readonly string[] = [
  'big.all(a, big.all(b, big.all(c, a != b || b != c || true)))',
  'big.map(a, big + big + big + big).size() > 0 && big.map(a, big.map(b, big + big)).size() > 0',
  'big.all(a, big.map(b, "x").join("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy").replace("y", big.join("zzzzzzzzzzzzzzzzzzzz")).size() > 0)',
  'big.all(a, sets.equivalent(big, big.map(x, x + "1")) || true)',
  '[1].all(a, false || big.all(x, big.all(y, big.exists(z, x + y == z) || true)))',
];

test.each(HOSTILE)('is stopped at its limit: %s', (expression) => {
  const before = performance.now();
  expect(evaluated(expression, 1_000_000)).toMatchObject({ error: 'operation cancelled: actual cost limit exceeded', exhausted: true });
  expect(performance.now() - before).toBeLessThan(5000);
});

test('an expression that nests too deep, or is too long, is refused before it is read', () => {
  expect(run(`${'('.repeat(10_000)}1${')'.repeat(10_000)}`)).toContain('expression recursion limit exceeded: 250');
  expect(run(`${'!'.repeat(10_000)}true`)).toContain('expression recursion limit exceeded: 250');
  expect(run(`1${' + 1'.repeat(10_000)} == 1`)).toContain('expression recursion limit exceeded: 250');
  expect(run(`object${'.a'.repeat(10_000)} == 1`)).toContain('expression recursion limit exceeded: 250');
  expect(run(`${'[1].map(x, '.repeat(300)}1${')'.repeat(300)} == []`)).toContain('expression recursion limit exceeded: 250');
  expect(run(`"${'x'.repeat(100_001)}" == ""`)).toContain('expression code point size exceeds limit');
});

test('an expression is told to be of a type, or to be of any', () => {
  const typed = (expression: string): boolean[] => {
    const compiled = compile(expression, { variables: VARIABLES });
    if ('problem' in compiled) throw new Error(compiled.problem);
    return [yields(compiled.program, BOOL), yields(compiled.program, STRING)];
  };
  expect(typed('self.replicas > 1')).toEqual([true, false]);
  expect(typed('self.name')).toEqual([false, true]);
  expect(typed('object.spec')).toEqual([true, true]);
});

test('nothing of JavaScript can be reached through a property', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    expect(run(`has(object.${name})`)).toBe(false);
    expect(run(`object["${name}"] == 1`)).toBe(`error: no such key: ${name}`);
  }
});
