const UNFIT = /\\u0000|\\ud[89a-f]/i;

/** JSON for a jsonb column, which can't hold U+0000 nor half a surrogate pair: a client's name with one is shown with U+FFFD. */
export function jsonb(value: unknown): string {
  const text = JSON.stringify(value);
  if (!UNFIT.test(text)) return text;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? part.replace(/\0|\p{Surrogate}/gu, '\ufffd') : part));
}
