import type { StatusCause } from './status-error.js';

/** One problem with one field, as upstream's `field.Error`: `message` starts with the kind of problem. */
export type FieldError = StatusCause & { readonly field: string };

/** A value as Go prints it in a field error: strings quoted, structures as JSON. */
const shown = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value));

/** A field that must be there is not. */
export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  field,
});

/** A value breaks a rule. */
export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${shown(value)}: ${detail}`,
  field,
});

/** A value that must be unique is there twice. */
export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${shown(value)}`,
  field,
});

/** A value is none of those allowed; upstream lists them sorted and quoted. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${shown(value)}: supported values: ${[...supported].sort().map((s) => JSON.stringify(s)).join(', ')}`,
  field,
});

/** A field is set that may not be. */
export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
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
  message: `Too long: may not be more than ${maxLength} bytes`,
  field,
});
