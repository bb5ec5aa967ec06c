import type { FieldError } from '#libs/apimachinery';
import type { SchemaNode } from '../schema/node.js';

/** Every CEL rule of a schema that can't be compiled or would cost too much. */
export function validateCelRules(_node: SchemaNode, _path: string, _unchanged: boolean): readonly FieldError[] {
  return [];
}
