import { fnv32, GENERATED_NAME_ALPHABET } from '#libs/apimachinery';
import { formatPosition, type Position } from '#libs/log';

const LENGTH = 5;
/** How many suffixes there are: 27 to the fifth. */
const SUFFIXES = GENERATED_NAME_ALPHABET.length ** LENGTH;
/** Shares no factor with SUFFIXES, so that consecutive indexes give different suffixes that look unrelated. */
const STRIDE = 8_675_309;
/** The longest part of a name that a suffix is put behind, as upstream's simpleNameGenerator cuts it. */
const MOST_BASE = 58;

/**
 * The five characters that a controller's create gets behind its `generateName`. Derived from what the decision
 * was made of, so that a second attempt at it meets AlreadyExists instead of making a twin; within one decision no
 * two indexes give the same.
 */
export function generatedSuffix(owner: string, seen: Position, index: number): string {
  const start = fnv32(`${owner} ${formatPosition(seen)}`) % SUFFIXES;
  let rest = Number((BigInt(start) + BigInt(index) * BigInt(STRIDE)) % BigInt(SUFFIXES));
  let suffix = '';
  for (let i = 0; i < LENGTH; i++) {
    suffix += GENERATED_NAME_ALPHABET[rest % GENERATED_NAME_ALPHABET.length] ?? '';
    rest = Math.floor(rest / GENERATED_NAME_ALPHABET.length);
  }
  return suffix;
}

/** A generated name: the base, cut so that the whole stays a label, and the suffix. */
export const generatedName = (base: string, suffix: string): string => `${base.slice(0, MOST_BASE)}${suffix}`;
