/** Types of elements as Postgres numbers them (pg_type.dat). */
const OID = { boolean: 16, bytea: 17, bigint: 20, text: 25 } as const;

const HEADER = 20;

/**
 * One-dimensional arrays as parameters in Postgres' binary format: what is bytes goes as it is, where the text format would quote and
 * escape it, and have it taken apart again on the other side.
 */
function arrayOf(oid: number, count: number, bytes: number, hasNull: boolean): Buffer {
  const array = Buffer.allocUnsafe(HEADER + 4 * count + bytes);
  array.writeInt32BE(count === 0 ? 0 : 1, 0);
  array.writeInt32BE(hasNull ? 1 : 0, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return count === 0 ? array.subarray(0, 12) : array;
}

const lengthOf = (value: string | Uint8Array | null): number =>
  value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length;

function variable(oid: number, values: readonly (string | Uint8Array | null)[]): Buffer {
  const lengths = values.map(lengthOf);
  const array = arrayOf(
    oid,
    values.length,
    lengths.reduce((sum, length) => sum + length, 0),
    values.includes(null),
  );
  let at = HEADER;
  for (const [i, value] of values.entries()) {
    const length = lengths[i] ?? 0;
    at = array.writeInt32BE(value === null ? -1 : length, at);
    if (typeof value === 'string') array.write(value, at, length, 'utf8');
    else if (value !== null) array.set(value, at);
    at += length;
  }
  return array;
}

/** `text[]`. Bytes must be UTF-8. */
export const textArray = (values: readonly (string | Uint8Array | null)[]): Buffer => variable(OID.text, values);

/** `bytea[]`. */
export const byteaArray = (values: readonly Uint8Array[]): Buffer => variable(OID.bytea, values);

/** `bigint[]`, of safe integers. */
export function bigintArray(values: readonly number[]): Buffer {
  const array = arrayOf(OID.bigint, values.length, 8 * values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = array.writeInt32BE(8, at);
    at = array.writeBigInt64BE(BigInt(value), at);
  }
  return array;
}

/** `boolean[]`. */
export function booleanArray(values: readonly boolean[]): Buffer {
  const array = arrayOf(OID.boolean, values.length, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = array.writeInt32BE(1, at);
    at = array.writeUInt8(value ? 1 : 0, at);
  }
  return array;
}
