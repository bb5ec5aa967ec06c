/** One element of DER (X.690): its tag, its content, and all of its bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;

/** Longest length of a length that is read; four bytes are more than any request may carry. */
const MOST_LENGTH_BYTES = 4;
/** Most elements on one level: a certificate has a handful. */
const MOST_ELEMENTS = 10_000;

/** The bytes are no DER, or not the structure that was expected. */
export class MalformedDer extends Error {}

function elementAt(bytes: Uint8Array, start: number): DerElement {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new MalformedDer('truncated element');
  let at = start + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count === 0 || count > MOST_LENGTH_BYTES) throw new MalformedDer('bad length');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + i] ?? 0);
    at += count;
  }
  if (at + length > bytes.length) throw new MalformedDer('truncated element');
  return { tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) };
}

/** The elements that follow each other in some bytes, to their end. */
export function elementsOf(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    elements.push(element);
    if (elements.length > MOST_ELEMENTS) throw new MalformedDer('too many elements');
    at += element.whole.length;
  }
  return elements;
}

/** An element that must be there and of this tag. */
export function expected(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag) throw new MalformedDer(`expected an element of tag ${tag}`);
  return element;
}

/** An object identifier's content as text: `2.5.4.3`. */
export function identifierText(content: Uint8Array): string {
  const [first = 0] = content;
  const parts = [Math.min(2, Math.floor(first / 40))];
  parts.push(first - 40 * (parts[0] ?? 0));
  let value = 0;
  for (const byte of content.subarray(1)) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    parts.push(value);
    value = 0;
  }
  return parts.join('.');
}
