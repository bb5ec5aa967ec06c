import fc from 'fast-check';
import { deepFreeze } from './deep-freeze.js';
import { notSupported, required, tooLong, tooMany } from './field-error.js';
import { scaledValue } from './int-or-percent.js';
import { cidrContains, formatIp, parseCidr, parseIp, validateCidr, validateIp, validateIpOfLegacyField } from './ip-address.js';
import { jsonMergePatch, jsonPatch } from './json-patch.js';
import { StatusError } from './status-error.js';
import { formatMicroTime, formatTime, humanDuration, parseTime } from './time.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('times', () => {
  it.each([
    [-3 * SECOND, '<invalid>'],
    [-1 * SECOND, '0s'],
    [0, '0s'],
    [119 * SECOND, '119s'],
    [120 * SECOND, '2m'],
    [9 * MINUTE + 59 * SECOND, '9m59s'],
    [10 * MINUTE + 1, '10m'],
    [179 * MINUTE, '179m'],
    [3 * HOUR, '3h'],
    [7 * HOUR + 59 * MINUTE, '7h59m'],
    [47 * HOUR, '47h'],
    [2 * DAY, '2d'],
    [7 * DAY + 23 * HOUR, '7d23h'],
    [8 * DAY + HOUR, '8d'],
    [729 * DAY, '729d'],
    [730 * DAY, '2y'],
    [(365 * 3 + 1) * DAY, '3y1d'],
    [365 * 9 * DAY + DAY, '9y'],
  ])('%d ms are %s old', (ms, age) => {
    expect(humanDuration(ms)).toBe(age);
  });

  it('are written in UTC', () => {
    const instant = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(formatTime(instant)).toBe('2026-01-02T03:04:05Z');
    expect(formatMicroTime(instant)).toBe('2026-01-02T03:04:05.678000Z');
    expect(parseTime('2026-01-02T03:04:05.678000Z')).toBe(instant);
    expect(parseTime(null)).toBeUndefined();
  });
});

describe('scaledValue', () => {
  it.each([
    [3, 10, true, 3],
    ['25%', 10, true, 3],
    ['25%', 10, false, 2],
    ['100%', 7, false, 7],
    ['0%', 7, true, 0],
  ] as const)('%s of %d, up: %s, is %d', (value, total, up, wanted) => {
    expect(scaledValue(value, total, up)).toBe(wanted);
  });

  it('knows no plain strings', () => {
    expect(() => scaledValue('3', 10, true)).toThrow(RangeError);
  });
});

describe('deepFreeze', () => {
  it('freezes everything inside', () => {
    const frozen = deepFreeze({ a: [{ b: 1 }] });
    expect(Object.isFrozen(frozen.a[0])).toBe(true);
  });
});

describe('field errors', () => {
  it.each([
    [required('a'), 'Required value'],
    [notSupported('a', 'x', ['b', 'a']), 'Unsupported value: "x": supported values: "a", "b"'],
    [tooLong('a', 1), 'Too long: may not be more than 1 byte'],
    [tooMany('a', 3, 2), 'Too many: 3: must have at most 2 items'],
  ])('%j', ({ message }, wanted) => {
    expect(message).toBe(wanted);
  });
});

describe('addresses', () => {
  it.each([
    ['10.9.8.7', '10.9.8.7'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['fe80::1.2.3.4', 'fe80::102:304'],
    ['010.1.1.1', '10.1.1.1'],
  ])('%s is %s', (text, canonical) => {
    const address = parseIp(text);
    expect(address && formatIp(address)).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.256', '1.2.3.4.5', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', '12345::', 'fe80::1%eth0', '1.2.3.4::'])(
    '%j is none',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );

  it.each([
    ['10.9.8.7', []],
    ['x', ['Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['010.0.0.1', ['Invalid value: "010.0.0.1": must not have leading 0s']],
    ['::ffff:1.2.3.4', ['Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address']],
    ['FE80::1', ['Invalid value: "FE80::1": must be in canonical form ("fe80::1")']],
  ])('%s is judged in upstream words', (text, messages) => {
    expect(validateIp('ip', text).map(({ message }) => message)).toEqual(messages);
  });

  it('takes from old objects what they had', () => {
    expect(validateIpOfLegacyField('ip', '010.0.0.1', ['010.0.0.1'])).toEqual([]);
    expect(validateIpOfLegacyField('ip', 'FE80::1')).toEqual([]);
  });

  it.each([
    ['10.0.0.0/8', []],
    ['10.0.0.1/8', ['Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length']],
    ['10.0.0.0', ['Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['10.0.0.0/33', ['Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['2001:DB8::/32', ['Invalid value: "2001:DB8::/32": must be in canonical form ("2001:db8::/32")']],
  ])('%s is judged as a range', (text, messages) => {
    expect(validateCidr('cidr', text).map(({ message }) => message)).toEqual(messages);
  });

  it('lie in ranges or not', () => {
    const block = parseCidr('10.96.0.0/16');
    const [inside, outside] = [parseIp('10.96.255.1'), parseIp('10.97.0.1')];
    if (!block || !inside || !outside) throw new Error('unreadable');
    expect([cidrContains(block, inside), cidrContains(block, outside)]).toEqual([true, false]);
  });
});

describe('jsonMergePatch (RFC 7396)', () => {
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a'], { b: { c: null } }, { b: {} }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  ])('%j with %j is %j', (target, patch, wanted) => {
    expect(jsonMergePatch(deepFreeze(target), deepFreeze(patch))).toEqual(wanted);
  });

  it('makes anything of anything', () => {
    const noNulls = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('null'));
    fc.assert(
      fc.property(fc.jsonValue(), noNulls, (target, patch) =>
        expect(jsonMergePatch(jsonMergePatch(target, patch), patch)).toEqual(jsonMergePatch(target, patch)),
      ),
    );
  });

  it('keeps a key called __proto__ as data', () => {
    const patched = jsonMergePatch({}, JSON.parse('{"__proto__":{"x":1}}'));
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"x":1}}');
  });
});

describe('jsonPatch (RFC 6902)', () => {
  const target = deepFreeze({ a: { b: [1, 2] } });
  it.each<[string, readonly object[], unknown]>([
    ['adds', [{ op: 'add', path: '/a/c', value: null }], { a: { b: [1, 2], c: null } }],
    ['appends', [{ op: 'add', path: '/a/b/-', value: 3 }], { a: { b: [1, 2, 3] } }],
    ['removes', [{ op: 'remove', path: '/a/b/0' }], { a: { b: [2] } }],
    ['moves', [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: [1, 2] }],
    [
      'tests',
      [
        { op: 'test', path: '/a/b/1', value: 2 },
        { op: 'replace', path: '/a', value: 1 },
      ],
      { a: 1 },
    ],
  ])('%s', (_title, operations, wanted) => {
    expect(jsonPatch(target, operations)).toEqual(wanted);
  });

  const REJECTED = 'the server rejected our request due to an error in our request';
  it.each<[unknown, string, string]>([
    [[{ op: 'remove', path: '/x' }], 'Invalid', REJECTED],
    [[{ op: 'test', path: '/a', value: 1 }], 'Invalid', REJECTED],
    [[{ op: 'burn', path: '/a' }], 'Invalid', REJECTED],
    [[{ op: 'add', path: '/__proto__/x', value: 1 }], 'Invalid', REJECTED],
    [{}, 'BadRequest', 'json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    [
      Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: 1 })),
      'RequestEntityTooLarge',
      'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    ],
  ])('%.40j is refused', (operations, reason, message) => {
    let thrown: unknown;
    try {
      jsonPatch(target, operations);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(StatusError);
    expect(thrown).toMatchObject({ reason, message });
  });
});
