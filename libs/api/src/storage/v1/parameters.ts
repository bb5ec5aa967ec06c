import { invalidValue, required, tooLong } from '#libs/apimachinery';
import type { Problems } from '../../problems.js';

const MOST_PARAMETERS = 512;
const MOST_BYTES = 256 * 1024;

/** The parameters of a class: not too many, with keys that are there; where they are demanded, at least one. */
export function parameters(into: Problems, map: Readonly<Record<string, string>> | undefined, demanded: boolean): void {
  const entries = Object.entries(map ?? {});
  if (demanded && entries.length === 0) into.push(required('parameters', 'must contain at least one key/value pair'));
  if (entries.length > MOST_PARAMETERS) into.push(tooLong('parameters', MOST_PARAMETERS));
  for (const [key] of entries) if (key === '') into.push(invalidValue('parameters', key, 'field can not be empty.'));
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (bytes > MOST_BYTES) into.push(tooLong('parameters', MOST_BYTES));
}
