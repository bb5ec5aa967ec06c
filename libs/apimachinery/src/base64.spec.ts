import fc from 'fast-check';
import { base64OfBytes, base64OfText, bytesOfBase64, canonicalBase64, textOfBase64 } from './base64.js';

describe('base64', () => {
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['grün', 'Z3LDvG4='],
  ])('writes %j as %s, and reads it again', (text, base64) => {
    expect([base64OfText(text), textOfBase64(base64)]).toEqual([base64, text]);
  });

  it('reads and writes as everybody does', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect([base64OfBytes(bytes), bytesOfBase64(text)]).toEqual([text, bytes]);
      }),
    );
  });

  it('carries texts longer than one call takes', () => {
    const bytes = Uint8Array.from({ length: 20_001 }, (_, i) => i & 0xff);
    expect(bytesOfBase64(base64OfBytes(bytes))).toEqual(bytes);
  });

  it.each(['Zg', 'Zg=', 'Z===', 'Zm9v\n', 'Zm-_', 'Zg==Zg=='])('takes %j for no base64', (text) => {
    expect([bytesOfBase64(text), textOfBase64(text), canonicalBase64(text)]).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['Zh==', 'Zg=='],
    ['Zm9=', 'Zm8='],
    ['Zm9v', 'Zm9v'],
  ])('clears the bits of %s that mean nothing: %s', (text, canonical) => {
    expect(canonicalBase64(text)).toBe(canonical);
  });
});
