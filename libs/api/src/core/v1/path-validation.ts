import { invalidValue } from '#libs/apimachinery';
import type { Problems } from '../../problems.js';

/** A path has no part `..`. */
export function withoutBacksteps(into: Problems, field: string, path: string): void {
  if (path.split('/').includes('..')) into.push(invalidValue(field, path, "must not contain '..'"));
}

/** A path below some folder: relative, without `..`. */
export function localDescending(into: Problems, field: string, path: string): void {
  if (path.startsWith('/')) into.push(invalidValue(field, path, 'must be a relative path'));
  withoutBacksteps(into, field, path);
}

/** The same, and not of the names that volumes keep for themselves. */
export function localNonReserved(into: Problems, field: string, path: string): void {
  localDescending(into, field, path);
  if (path.startsWith('..') && !path.startsWith('../')) into.push(invalidValue(field, path, "must not start with '..'"));
}

/** Permissions of a file. */
export function fileMode(into: Problems, field: string, mode: number | undefined): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    into.push(invalidValue(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive'));
  }
}
