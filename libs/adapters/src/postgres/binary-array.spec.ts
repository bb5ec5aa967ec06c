import { bigintArray, booleanArray, byteaArray, textArray } from './binary-array.js';

/** An array taken apart as Postgres does (`array_recv`). */
function taken(array: Buffer): { readonly oid: number; readonly hasNull: boolean; readonly elements: readonly (Buffer | null)[] } {
  const [dimensions, flags, oid] = [0, 4, 8].map((at) => array.readInt32BE(at));
  const elements: (Buffer | null)[] = [];
  if (dimensions === 1) {
    const [count, lower] = [array.readInt32BE(12), array.readInt32BE(16)];
    expect(lower).toBe(1);
    let at = 20;
    for (let i = 0; i < count; i++) {
      const length = array.readInt32BE(at);
      elements.push(length < 0 ? null : array.subarray(at + 4, at + 4 + length));
      at += 4 + Math.max(0, length);
    }
    expect(at).toBe(array.length);
  } else expect(array).toHaveLength(12);
  return { oid: oid ?? 0, hasNull: flags === 1, elements };
}

describe('arrays in Postgres’ binary format', () => {
  it('are texts, be they strings or bytes, and nulls among them', () => {
    const { oid, hasNull, elements } = taken(textArray(['a"\\', 'ä😀', new TextEncoder().encode('{"ß":1}'), null, '']));
    expect([oid, hasNull]).toEqual([25, true]);
    expect(elements.map((element) => element?.toString())).toEqual(['a"\\', 'ä😀', '{"ß":1}', undefined, '']);
  });

  it('are bytes', () => {
    const { oid, hasNull, elements } = taken(byteaArray([new Uint8Array([0, 255, 92])]));
    expect([oid, hasNull, [...(elements[0] ?? [])]]).toEqual([17, false, [0, 255, 92]]);
  });

  it('are integers of eight bytes', () => {
    const { oid, elements } = taken(bigintArray([0, Number.MAX_SAFE_INTEGER, -1]));
    expect([oid, elements.map((element) => Number(element?.readBigInt64BE()))]).toEqual([20, [0, Number.MAX_SAFE_INTEGER, -1]]);
  });

  it('are truths', () => {
    const { oid, elements } = taken(booleanArray([true, false]));
    expect([oid, elements.map((element) => element?.[0])]).toEqual([16, [1, 0]]);
  });

  it('without elements have no dimension', () => expect(taken(textArray([])).elements).toEqual([]));
});
