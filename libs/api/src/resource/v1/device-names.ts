import {
  byteLength,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '#libs/apimachinery';
import { judge, unique, type Problems } from '../../problems.js';

/** Limits of resource.k8s.io (api `resource/v1`). */
export const MOST_REQUESTS = 32;
export const MOST_CONSTRAINTS = 32;
export const MOST_CONFIGURATIONS = 32;
const LONGEST_DRIVER = 63;
const LONGEST_POOL = 253;
const LONGEST_ID = 32;
const LONGEST_CONFIGURATION = 10 * 1024;
const C_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NO_C_IDENTIFIER =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' " +
  "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

/** Judges each item of a list that has a limit; of one that is too long nothing else is said. */
export function limited<T>(
  into: Problems,
  path: string,
  list: readonly T[] | undefined,
  most: number,
  judgeItem: (item: T, path: string) => void,
): void {
  if (!list) return;
  if (list.length > most) return void into.push(tooMany(path, list.length, most));
  list.forEach((item, index) => judgeItem(item, `${path}[${index}]`));
}

/** The same, of items that must differ in a key. */
export function limitedSet<T>(
  into: Problems,
  path: string,
  list: readonly T[] | undefined,
  most: number,
  key: (item: T) => string,
  judgeItem: (item: T, path: string) => void,
): void {
  limited(into, path, list, most, judgeItem);
  if (!list || list.length > most) return;
  const seen = new Set<string>();
  list.forEach((item, index) => unique(into, `${path}[${index}]`, key(item), seen));
}

/** A driver's name, as a CSI driver's. */
export function driverName(into: Problems, path: string, name: string): void {
  if (name === '') return void into.push(required(path));
  if (name.length > LONGEST_DRIVER) into.push(tooLong(path, LONGEST_DRIVER));
  judge(into, path, name.toLowerCase(), isDns1123Subdomain);
}

/** A pool's name: subdomains with slashes between. */
export function poolName(into: Problems, path: string, name: string): void {
  if (name === '') return void into.push(required(path));
  if (name.length > LONGEST_POOL) into.push(tooLong(path, LONGEST_POOL));
  for (const part of name.split('/')) judge(into, path, part, isDns1123Subdomain);
}

/** The name of a request, a device or a set of counters: a label. */
export const labelName = (into: Problems, path: string, name: string): void => judge(into, path, name, isDns1123Label);

function identifier(into: Problems, path: string, id: string): void {
  if (id.length > LONGEST_ID) into.push(tooLong(path, LONGEST_ID));
  if (!C_IDENTIFIER.test(id)) into.push(invalidValue(path, id, NO_C_IDENTIFIER));
}

/** The name of an attribute or a capacity: an identifier, perhaps with a domain in front. */
export function qualifiedName(into: Problems, path: string, name: string): void {
  const [domain = '', id, ...more] = name.split('/');
  if (more.length > 0) return void into.push(invalidValue(path, name, 'must not contain more than one slash'));
  if (id === undefined) return identifier(into, path, domain);
  if (domain === '') into.push(invalidValue(path, '', 'the domain must not be empty'));
  else driverName(into, path, domain);
  if (id === '') into.push(invalidValue(path, '', 'the name must not be empty'));
  else identifier(into, path, id);
}

/** The name of an attribute with its domain. */
export function fullyQualifiedName(into: Problems, path: string, name: string): void {
  qualifiedName(into, path, name);
  if (!name.includes('/')) into.push(invalidValue(path, name, 'a fully qualified name must be a domain and a name separated by a slash'));
}

/** JSON for a driver: an object, and not a large one. */
export function rawObject(path: string, value: unknown): readonly FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  if (byteLength(JSON.stringify(value)) > LONGEST_CONFIGURATION) return [tooLong(path, LONGEST_CONFIGURATION)];
  const isObject = typeof value === 'object' && !Array.isArray(value);
  return isObject ? [] : [invalidValue(path, '<value omitted>', 'must be a valid JSON object')];
}
