import fc from 'fast-check';
import { decode } from './decode.js';
import { MODELS, modelFacts } from './facts.js';

const QUANTITIES = ['1', '100m', '1000m', '0.5', '1Gi', '1024Mi', '1.5Gi', '1e3', '0'];
const TIMES = ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.5+02:00', '2024-02-29T23:59:59-11:30'];
const MICRO_TIMES = ['2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.123456+02:00'];
const KEYS = ['a', 'b', 'A', '__proto__', '1', 'z.y/x'];

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.constantFrom('', 'x', 'é'),
  bool: fc.boolean(),
  int32: fc.constantFrom(0, 1, -5, 2147483647),
  int64: fc.constantFrom(0, 7, 2 ** 40),
  byte: fc.constantFrom(0, 255),
  double: fc.constantFrom(0, 1.5),
  duration: fc.constantFrom('1s'),
  bytes: fc.constantFrom('', 'YQ==', 'YWI=', 'YW\nJj'),
  quantity: fc.constantFrom<unknown>(...QUANTITIES, 0.1, 12),
  intOrString: fc.constantFrom<unknown>(0, 80, 'http', '25%'),
  time: fc.constantFrom(...TIMES),
  microTime: fc.constantFrom(...MICRO_TIMES),
  any: fc.constantFrom<unknown>({}, { 'f:metadata': { 'f:labels': {} } }),
};

/** Values as clients might send them for a type: members left out, null, in any order, with strangers among them. */
function sent(type: string, depth: number): fc.Arbitrary<unknown> {
  if (type.startsWith('[]'))
    return fc.array(depth > 0 ? sent(type.slice(2), depth - 1) : fc.constant(null), { maxLength: depth > 0 ? 2 : 0 });
  if (type.startsWith('map:')) {
    return fc
      .uniqueArray(fc.tuple(fc.constantFrom(...KEYS), fc.option(sent(type.slice(4), depth))), { selector: ([key]) => key, maxLength: 3 })
      .map((entries) => Object.fromEntries(entries));
  }
  const scalar = SCALARS[type];
  if (scalar) return scalar;
  if (depth === 0) return fc.constant({});
  const fields = Object.entries(modelFacts(type.slice(1)));
  return fc
    .subarray(fields, { maxLength: Math.min(6, fields.length) })
    .chain((chosen) =>
      fc.tuple(...chosen.map(([name, fact]) => fc.tuple(fc.constant(name), fc.option(sent(fact.type, depth - 1), { freq: 8 })))),
    )
    .chain((entries) => fc.shuffledSubarray([...entries, ['stranger', 1] as [string, unknown]], { minLength: entries.length }))
    .map((entries) => Object.fromEntries(entries));
}

const KINDS = Object.keys(MODELS).filter((model) => Object.hasOwn(modelFacts(model), 'metadata'));

describe('decode, for every kind there is,', () => {
  it.each(KINDS)('%s: decoding what was decoded changes nothing, not even the text', (model) => {
    fc.assert(
      fc.property(sent(`#${model}`, 4), (value) => {
        const before = JSON.stringify(value);
        const once = decode<unknown>(model, value, { strict: true }).object;
        const twice = decode<unknown>(model, once, { strict: true });
        expect(JSON.stringify(twice.object)).toBe(JSON.stringify(once));
        expect(twice.unknown).toEqual([]);
        expect(JSON.stringify(value)).toBe(before);
      }),
      { numRuns: 30 },
    );
  });

  it('finds the same unknown fields whatever else there is', () => {
    fc.assert(
      fc.property(sent('#io.k8s.api.core.v1.Pod', 3), (value) => {
        const { unknown } = decode('io.k8s.api.core.v1.Pod', value, { strict: true });
        const strangers = JSON.stringify(value).split('"stranger"').length - 1;
        expect(unknown).toHaveLength(strangers);
      }),
    );
  });
});
