/** A message that is not protobuf, or that breaks off. */
export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf';
}

/** One field as it stands on the wire: a number (varint, fixed), or bytes (strings, messages). */
export interface WireField {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Reads a message's fields in order. Groups, which upstream never writes, are refused. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new MalformedProtobuf('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedProtobuf('integer overflow');
  };
  const take = (length: number): number => {
    const from = at;
    at += length;
    if (at > bytes.length) throw new MalformedProtobuf('unexpected EOF');
    return from;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number === 0) throw new MalformedProtobuf('illegal tag 0');
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: view.getBigUint64(take(8), true) };
        break;
      case 2: {
        const length = Number(varint());
        const from = take(length);
        yield { number, value: bytes.subarray(from, from + length) };
        break;
      }
      case 5:
        yield { number, value: BigInt(view.getUint32(take(4), true)) };
        break;
      default:
        throw new MalformedProtobuf(`unexpected wire type ${Number(tag & 7n)}`);
    }
  }
}
