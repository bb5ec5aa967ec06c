import { goJson, quoted } from './quote.js';
import type { StatusCause } from './status-error.js';

/** One problem with one field, as upstream's `field.Error`: `message` starts with the kind of problem. */
export type FieldError = StatusCause & { readonly field: string };

/** A value as Go prints it in a field error: strings quoted, structures as JSON. */
const shown = (value: unknown): string => (typeof value === 'string' ? quoted(value) : goJson(value));

const withDetail = (message: string, detail: string): string => (detail === '' ? message : `${message}: ${detail}`);

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** A field that must be there is not. */
export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  message: withDetail('Required value', detail),
  field,
});

/** A value breaks a rule. */
export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  message: withDetail(`Invalid value: ${shown(value)}`, detail),
  field,
});

/** A value that must be unique is there twice. */
export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${shown(value)}`,
  field,
});

/** A value is none of those allowed; upstream lists them sorted and quoted. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  notSupportedInOrder(field, value, [...supported].sort());

/** The same, where upstream lists the values in another order than that of the alphabet. */
export const notSupportedInOrder = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  message: withDetail(
    `Unsupported value: ${shown(value)}`,
    supported.length === 0 ? '' : `supported values: ${supported.map(quoted).join(', ')}`,
  ),
  field,
});

/** A field is set that may not be. */
export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  message: withDetail('Forbidden', detail),
  field,
});

/** A referenced thing does not exist. */
export const fieldNotFound = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueNotFound',
  message: `Not found: ${shown(value)}`,
  field,
});

/** A string is too long, in bytes. */
export const tooLong = (field: string, maxLength: number): FieldError => ({
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${counted(maxLength, 'byte')}`,
  field,
});

/** A list has too many items. */
export const tooMany = (field: string, actual: number, most: number): FieldError => ({
  reason: 'FieldValueTooMany',
  message: `Too many: ${actual}: must have at most ${counted(most, 'item')}`,
  field,
});

/** A path's member, item or key, as upstream's `field.Path` writes it: `spec.ports[0].name`, `data[key]`. */
export const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
export const item = (path: string, index: number): string => `${path}[${index}]`;
export const keyed = (path: string, key: string): string => `${path}[${key}]`;
