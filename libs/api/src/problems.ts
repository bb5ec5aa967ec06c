import { duplicate, invalidValue, notSupported, quoted, required, type FieldError } from '#libs/apimachinery';

/** Where the rules of a kind write down what they find. */
export type Problems = FieldError[];

/** A value is none of a few words, which are listed as they are given: upstream sorts some lists and not others. */
export function unsupported(field: string, value: unknown, words: readonly string[]): FieldError {
  const { message, ...rest } = notSupported(field, value, []);
  return { ...rest, message: `${message}: supported values: ${words.map(quoted).join(', ')}` };
}

/** Every message of a rule, as problems with one field. */
export function judge<V>(into: Problems, field: string, value: V, rule: (value: V) => readonly string[]): void {
  for (const message of rule(value)) into.push(invalidValue(field, value, message));
}

/** A field is there and is one of a few words. */
export function oneOf(into: Problems, field: string, value: string | undefined, words: readonly string[]): void {
  if (!value) into.push(required(field));
  else if (!words.includes(value)) into.push(unsupported(field, value, words));
}

/** A field that may be left out is one of a few words. */
export function oneOfIfSet(into: Problems, field: string, value: string | undefined, words: readonly string[]): void {
  if (value !== undefined && !words.includes(value)) into.push(unsupported(field, value, words));
}

/** A number is not below zero; an absent one is zero. */
export function nonnegative(into: Problems, field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) into.push(invalidValue(field, value, 'must be greater than or equal to 0'));
}

/** A text that must be there. */
export function present(into: Problems, field: string, value: string | undefined, detail = ''): void {
  if (!value) into.push(required(field, detail));
}

/** A value that was not seen before; it is remembered. */
export function unique<V>(into: Problems, field: string, value: V, seen: Set<V>): void {
  if (seen.has(value)) into.push(duplicate(field, value));
  else seen.add(value);
}
