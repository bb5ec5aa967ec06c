import { badRequest, isJsonObject, type JsonObject, type StatusError } from '#libs/apimachinery';

/** A JSON value as Go's `%v` prints it. */
function printed(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${key}:${printed(value[key])}`);
  return `map[${members.join(' ')}]`;
}

function goType(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return 'string';
}

export const BAD_PRIMITIVE_LIST = 'invalid patch format of primitive list';
export const BAD_RETAIN_KEYS = 'invalid patch format of retainKeys';
export const BAD_ELEMENT_ORDER = 'invalid patch format of setElementOrder list';

export const noMergeKey = (element: JsonObject, key: string): StatusError =>
  badRequest(`map: ${printed(element)} does not contain declared merge key: ${key}`);

export const badPatchType = (directive: unknown, patch: JsonObject): StatusError =>
  badRequest(`unknown patch type: ${printed(directive)} in map: ${printed(patch)}`);

export const notAList = (value: unknown): StatusError => badRequest(`expected a []interface {}, but received a ${goType(value)}`);

export const notAnObject = (value: unknown): StatusError =>
  badRequest(`expected a map[string]interface {}, but received a ${goType(value)}`);

export const mixedList = (lists: readonly unknown[]): StatusError => badRequest(`list element types are not identical: ${printed(lists)}`);

export const wrongOrder = (patch: readonly unknown[], order: readonly unknown[]): StatusError =>
  badRequest(`The order in patch list:\n${printed(patch)}\n doesn't match $setElementOrder list:\n${printed(order)}\n`);

export const goTypeOf = goType;
