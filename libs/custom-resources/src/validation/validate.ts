import { deepEqual, quoted, required, isJsonObject, ownMember, type FieldError, type JsonObject } from '#libs/apimachinery';
import type { Check } from './check.js';
import { add, fieldAt, merge, newResult, notOneOf, together, tooLongAt, tooManyAt, wrong, wrongType, type Result } from './problems.js';

/**
 * Every problem of a value, in the order and the words of kube-openapi's validators as apiextensions reports them.
 * What is as it was in `old` is no problem (CRD validation ratcheting, KEP-4008).
 */
export const validateValue = (check: Check, value: unknown, old?: unknown): readonly FieldError[] =>
  validatePlace(check, value, old, '').problems;

function validatePlace(check: Check, value: unknown, old: unknown, path: string): Result {
  const result = newResult();
  if (old !== undefined && deepEqual(value, old)) return result;
  if (value === null || value === undefined) {
    checkNull(check, path, result);
    if (check.enum) checkEnum(check.enum, null, path, result);
    return result;
  }
  if (check.types.length > 0 || check.format !== '') {
    checkType(check, value, path, result);
    result.matches += 1;
  }
  checkCombined(check, value, old, path, result);
  if (typeof value === 'string') checkString(check, value, path, result);
  else if (typeof value === 'number') checkNumber(check, value, path, result);
  else if (Array.isArray(value)) checkList(check, value, old, path, result);
  if (check.enum) checkEnum(check.enum, value, path, result);
  result.matches += 1;
  if (isJsonObject(value)) checkObject(check, value, old, path, result);
  return result;
}

function checkNull({ types, nullable }: Check, path: string, result: Result): void {
  result.matches += 1;
  if (types.length > 0 && !nullable) add(result, wrongType(path, types.join(','), 'null'));
}

function typeOf(value: unknown): { readonly type: string; readonly format: string } {
  if (Array.isArray(value)) return { type: 'array', format: '' };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { type: 'integer', format: 'int64' } : { type: 'number', format: 'float64' };
  return { type: typeof value, format: '' };
}

function checkType({ types, format }: Check, value: unknown, path: string, result: Result): void {
  const found = typeOf(value);
  const fits = types.includes(found.type) || (found.type === 'integer' && types.includes('number'));
  const textual = typeof value === 'string' || Array.isArray(value);
  if (!textual && format !== '' && !fits) return add(result, wrongType(path, format, found.format));
  if (textual && format !== '' && !types.includes('number') && !types.includes('integer')) return;
  if (!fits) add(result, wrongType(path, types.join(','), found.type));
}

function checkCombined(check: Check, value: unknown, old: unknown, path: string, result: Result): void {
  const { anyOf, oneOf, allOf, not } = check;
  if (anyOf.length > 0) {
    const results = anyOf.map((one) => validatePlace(one, value, old, path));
    if (!results.some(isValid)) {
      add(result, together(`${quoted(path)} must validate at least one schema (anyOf)`));
      const best = bestOf(results);
      if (best) merge(result, best);
    }
  }
  if (oneOf.length > 0) {
    const results = oneOf.map((one) => validatePlace(one, value, old, path));
    const valid = results.filter(isValid).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      add(result, together(`${quoted(path)} must validate one and only one schema (oneOf). ${found}`));
      const best = valid === 0 ? bestOf(results) : undefined;
      if (best) merge(result, best);
    }
  }
  if (allOf.length > 0) {
    const results = allOf.map((one) => validatePlace(one, value, old, path));
    for (const one of results) merge(result, one);
    const valid = results.filter(isValid).length;
    if (valid !== allOf.length)
      add(result, together(`${quoted(path)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
  }
  if (not && isValid(validatePlace(not, value, undefined, path)))
    add(result, together(`${quoted(path)} must not validate the schema (not)`));
  result.matches += 1;
}

const isValid = ({ problems }: Result): boolean => problems.length === 0;

/** Of alternatives that all fail, the one with most positive checks. */
function bestOf(results: readonly Result[]): Result | undefined {
  let best: Result | undefined;
  for (const one of results) if (best === undefined || one.matches > best.matches) best = one;
  return best;
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The first problem of a string counts; its format is judged besides. */
function checkString(check: Check, value: string, path: string, result: Result): void {
  const { maxLength, minLength, pattern, format, isOfFormat } = check;
  const length = maxLength === undefined && minLength === undefined ? 0 : lengthOf(value);
  if (maxLength !== undefined && length > maxLength) add(result, tooLongAt(path, maxLength));
  else if (minLength !== undefined && length < minLength) {
    add(result, wrong(path, value, `should be at least ${minLength} chars long`));
  } else if (pattern && !pattern.matches(value)) add(result, wrong(path, value, `should match '${pattern.source}'`));
  result.matches += 1;
  if (isOfFormat === undefined) return;
  result.matches += 1;
  if (!isOfFormat(value)) add(result, wrongType(path, format, value));
}

function checkNumber(check: Check, value: number, path: string, result: Result): void {
  const { multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = check;
  if (multipleOf !== undefined) {
    if (multipleOf <= 0) add(result, wrong(path, value, `factor MultipleOf declared for ${path} must be positive: ${multipleOf}`));
    else if (!isMultiple(value, multipleOf)) add(result, wrong(path, value, `should be a multiple of ${multipleOf}`));
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    add(result, wrong(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    add(result, wrong(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
  }
  result.matches += 2;
}

function isMultiple(value: number, factor: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(factor)) return value % factor === 0;
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

function checkList(check: Check, list: readonly unknown[], old: unknown, path: string, result: Result): void {
  const { items, maxItems, minItems } = check;
  if (items) {
    const correlated = correlatedItems(check, old);
    list.forEach((item, index) => merge(result, validatePlace(items, item, correlated(item), `${path}[${index}]`)));
  }
  if (minItems !== undefined && list.length < minItems) add(result, wrong(path, list.length, `should have at least ${minItems} items`));
  if (maxItems !== undefined && list.length > maxItems) add(result, tooManyAt(path, list.length, maxItems));
  result.matches += 2;
}

/** Items are known again by their keys; those of other lists are not. */
function correlatedItems({ listMapKeys }: Check, old: unknown): (item: unknown) => unknown {
  if (listMapKeys === undefined || !Array.isArray(old)) return () => undefined;
  const keyOf = (item: unknown): string =>
    JSON.stringify(listMapKeys.map((key) => (isJsonObject(item) ? ownMember(item, key) : undefined)));
  const byKey = new Map((old as readonly unknown[]).map((item) => [keyOf(item), item]));
  return (item) => byKey.get(keyOf(item));
}

function checkEnum(allowed: readonly unknown[], value: unknown, path: string, result: Result): void {
  if (!allowed.some((one) => deepEqual(one, value))) add(result, notOneOf(path, value, allowed));
}

function checkObject(check: Check, object: JsonObject, old: unknown, path: string, result: Result): void {
  const { properties, additional, minProperties, maxProperties } = check;
  const before = isJsonObject(old) ? old : undefined;
  const names = Object.keys(object);
  if (minProperties !== undefined && names.length < minProperties) {
    add(result, wrong(path, names.length, `should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && names.length > maxProperties) add(result, tooManyAt(path, names.length, maxProperties));
  if (additional !== undefined) {
    for (const name of names) {
      if (properties.has(name)) continue;
      if (additional === false) {
        const { message } = wrong(`${path}.${name}`, name, 'is a forbidden property');
        add(result, { reason: 'FieldValueInvalid', message, field: fieldAt(path) });
      } else merge(result, validatePlace(additional, object[name], ownMember(before, name), `${path}.${name}`));
    }
  }
  for (const [name, inner] of properties) {
    if (!Object.hasOwn(object, name)) continue;
    merge(result, validatePlace(inner, object[name], ownMember(before, name), path === '' ? name : `${path}.${name}`));
  }
  for (const name of check.required) if (!Object.hasOwn(object, name)) add(result, required(fieldAt(`${path}.${name}`)));
  result.matches += 1;
}
