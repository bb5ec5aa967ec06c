import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  QuantityFormatError,
  quantityValue,
  subtractQuantities,
} from './quantity.js';

describe('canonicalQuantity writes what upstream writes', () => {
  it.each([
    ['0', '0'],
    ['0m', '0'],
    ['-0', '0'],
    ['000', '0'],
    ['1', '1'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['0.001', '1m'],
    ['1.5', '1500m'],
    ['1.500', '1.500'],
    ['+1', '+1'],
    ['01', '01'],
    ['1000', '1k'],
    ['1k', '1k'],
    ['1000k', '1M'],
    ['10000', '10k'],
    ['123456', '123456'],
    ['1024', '1024'],
    ['1024Mi', '1Gi'],
    ['1Gi', '1Gi'],
    ['3Mi', '3Mi'],
    ['8Mi', '8Mi'],
    ['1536Mi', '1536Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Gi', '512Mi'],
    ['0.1Gi', '107374182400m'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['0.0001Ki', '102400u'],
    ['1e3', '1e3'],
    ['1E3', '1E3'],
    ['1e4', '10e3'],
    ['12e6', '12e6'],
    ['1e-3', '1e-3'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['-1.5', '-1500m'],
    ['1Ei', '1Ei'],
    ['16Ei', '9223372036854775807'],
    ['1000E', '1000E'],
    ['1000000000000000000000', '1000E'],
  ])('%s as %s', (text, wanted) => {
    expect(canonicalQuantity(text)).toBe(wanted);
  });

  it('and writes that the same again', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'e3', 'E-6', 'e9');
    const number = fc.oneof(
      fc.nat().map(String),
      fc.tuple(fc.nat({ max: 9999 }), fc.nat({ max: 99999 })).map(([a, b]) => `${a}.${b}`),
    );
    fc.assert(
      fc.property(number, suffix, (digits, unit) => {
        const once = canonicalQuantity(`${digits}${unit}`);
        expect(canonicalQuantity(once)).toBe(once);
        expect(compareQuantities(once, `${digits}${unit}`)).toBe(0);
      }),
    );
  });

  it.each([
    ['', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['much', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['1 Gi', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['1mi', "unable to parse quantity's suffix"],
    ['1K', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['1e999999999', "unable to parse quantity's suffix"],
    ['9'.repeat(5000), 'unable to parse numeric part of quantity'],
  ])('refuses %.20s', (text, message) => {
    expect(() => canonicalQuantity(text)).toThrow(new QuantityFormatError(message));
  });
});

describe('arithmetic of quantities is exact', () => {
  it.each([
    ['100m', '900m', '1'],
    ['1Gi', '1Gi', '2Gi'],
    ['1Gi', '1M', '1074741824'],
    ['0', '1Gi', '1Gi'],
    ['1', '500m', '1500m'],
    ['0.1', '0.2', '300m'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(addQuantities(a, b)).toBe(sum);
  });

  it.each([
    ['1', '1m', '999m'],
    ['1Gi', '1Gi', '0'],
    ['1', '2', '-1'],
  ])('%s - %s = %s', (a, b, difference) => {
    expect(subtractQuantities(a, b)).toBe(difference);
  });

  it.each([
    ['1', '1000m', 0],
    ['1Gi', '1G', 1],
    ['999m', '1', -1],
    ['1e3', '1k', 0],
    ['-1', '0', -1],
  ])('%s compared with %s is %d', (a, b, order) => {
    expect(compareQuantities(a, b)).toBe(order);
    expect(compareQuantities(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it('what is added can be subtracted', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(compareQuantities(subtractQuantities(addQuantities(`${a}m`, `${b}m`), `${b}m`), `${a}m`)).toBe(0);
      }),
    );
  });

  it('what is formatted can be read', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.constantFrom('BinarySI', 'DecimalSI', 'DecimalExponent'), (nano, format) => {
        const capped = format === 'BinarySI' ? nano % 10n ** 27n : nano;
        expect(parseQuantity(formatQuantity({ nano: capped, format })).nano).toBe(capped);
      }),
    );
  });

  it.each([
    ['1', 1000, 1],
    ['100m', 100, 1],
    ['1500m', 1500, 2],
    ['1n', 1, 1],
    ['1Ki', 1024000, 1024],
    ['-1500m', -1500, -2],
    ['0', 0, 0],
  ])('%s is %d thousandths, rounded up %d', (text, milli, value) => {
    expect(milliValue(text)).toBe(milli);
    expect(quantityValue(text)).toBe(value);
  });
});
