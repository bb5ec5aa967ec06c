import { badRequest } from './status-error.js';

/** One condition on a field that a kind declares as selectable. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Splits at commas that no backslash precedes. */
function termsOf(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescaped(value: string): string {
  if (!/[\\,=]/.test(value)) return value;
  return value.replace(/\\(.?)|[,=]/gsu, (match, char: string | undefined) => {
    if (char === '\\' || char === ',' || char === '=') return char;
    if (char === undefined) throw badRequest(`invalid field selector: unescaped character in value: ${match.charCodeAt(0)}`);
    throw badRequest(`invalid field selector: invalid escape sequence: ${match}`);
  });
}

/** A value as a field selector has to write it. */
export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, (char) => `\\${char}`);

/**
 * Reads a `fieldSelector` parameter: all of the requirements hold. Which fields there are is the kind's to say.
 * Throws BadRequest with upstream's sentence (k8s.io/apimachinery/pkg/fields).
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  const requirements: FieldRequirement[] = [];
  for (const term of termsOf(text).sort()) {
    if (term === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator, value = ''] = match;
    requirements.push({ field, operator: operator === '!=' ? '!=' : '=', value: unescaped(value) });
  }
  return requirements;
}

/** As a query parameter would say it. */
export const fieldSelectorText = (requirements: readonly FieldRequirement[]): string =>
  requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(',');
