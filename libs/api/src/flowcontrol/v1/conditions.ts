import { required } from '#libs/apimachinery';
import { unique, type Problems } from '../../problems.js';

/** Conditions have a type each, and no type twice. */
export function conditions(into: Problems, list: readonly { readonly type?: string }[] | undefined): void {
  const seen = new Set<string>();
  (list ?? []).forEach(({ type = '' }, index) => {
    unique(into, `status.conditions[${index}].type`, type, seen);
    if (type === '') into.push(required(`status.conditions[${index}].type`, 'must not be empty'));
  });
}
