/** The characters that may stand in a generated name: no vowels and none that look alike, as upstream. */
export const GENERATED_NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A 32-bit FNV-1a hash of a text. Not for anything an adversary may choose. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A number's decimal digits in the characters of generated names, as upstream's rand.SafeEncodeString writes a hash. */
export const safeEncoded = (value: number): string =>
  [...String(value)].map((digit) => GENERATED_NAME_ALPHABET[digit.charCodeAt(0) % GENERATED_NAME_ALPHABET.length] ?? '').join('');

/** JSON with the keys of every object in order: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)
    .join(',')}}`;
}
