import { goJson, invalidValue, quoted, tooLong, tooMany, type FieldError } from '#libs/apimachinery';

/** What one place of a value came to: its problems, and how many checks were made on the way. */
export interface Result {
  readonly problems: FieldError[];
  /** Tells the best of several alternatives that all fail. */
  matches: number;
}

export const newResult = (): Result => ({ problems: [], matches: 0 });

/** Most problems that are told of one object. */
const MOST_PROBLEMS = 100;

/** Takes over another result's problems, each once. */
export function merge(into: Result, other: Result): void {
  into.matches += other.matches;
  for (const problem of other.problems) add(into, problem);
}

export function add({ problems }: Result, problem: FieldError): void {
  if (problems.length >= MOST_PROBLEMS) return;
  if (problems.some(({ field, message }) => field === problem.field && message === problem.message)) return;
  problems.push(problem);
}

/** Upstream's path of nothing in particular. */
export const NOWHERE = '<nil>';

/** A place as upstream's field paths have it; kube-openapi's paths begin with a dot at the root. */
export const fieldAt = (path: string): string => (path === '' || path === '.' ? NOWHERE : path.replace(/^\./, ''));

/** A problem in kube-openapi's words: the path, `in body`, and what is wrong. */
export const wrong = (path: string, value: unknown, sentence: string): FieldError =>
  invalidValue(fieldAt(path), value ?? '', `${path} in body ${sentence}`);

/** A value of another type. */
export function wrongType(path: string, types: string, found: string): FieldError {
  const { message, field } = invalidValue(fieldAt(path), found, `${path} in body must be of type ${types}: ${quoted(found)}`);
  return { reason: 'FieldValueTypeInvalid', message, field };
}

export const tooLongAt = (path: string, most: number): FieldError => tooLong(fieldAt(path), most);

export const tooManyAt = (path: string, actual: number, most: number): FieldError => tooMany(fieldAt(path), actual, most);

/** A value that is none of an enumeration, in the enumeration's order. */
export function notOneOf(path: string, value: unknown, allowed: readonly unknown[]): FieldError {
  const shown = typeof value === 'string' ? quoted(value) : value === null ? quoted('') : goJson(value);
  const names = allowed.map((one) => quoted(typeof one === 'string' ? one : goJson(one)));
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown}: supported values: ${names.join(', ')}`,
    field: fieldAt(path),
  };
}

/** What several schemas together say; upstream has no path for it. */
export const together = (sentence: string): FieldError => invalidValue(NOWHERE, '', sentence);
