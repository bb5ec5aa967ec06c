import { ownMember } from '#libs/apimachinery';
import { additionalOf } from '../schema/node.js';
import type { JsonSchema } from '../types.js';

/** A path of members that a schema knows. */
export interface FieldPath {
  readonly names: readonly string[];
  readonly schema: JsonSchema;
}

/** The members that a path such as `.spec.host` or `.spec['a.b']` names, or what is wrong with its form. */
function namesOf(path: string, brackets: boolean): readonly string[] | string {
  const names: string[] = [];
  let rest = path;
  while (rest !== '') {
    const dotted = /^\.([A-Za-z_$][\w$-]*)/.exec(rest);
    const quotedName = brackets ? /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest) : null;
    const match = dotted ?? quotedName;
    if (!match) {
      if (rest.startsWith('['))
        return brackets ? `expected single quoted string but got ${rest.slice(1, 2)}` : 'array notation is not allowed';
      return rest === path ? `expected [ or . but got: ${rest.slice(0, 1)}` : `expected [ or . but got: ${rest.split(/[.[]/)[0] ?? ''}`;
    }
    names.push((match[1] ?? '').replace(/\\(.)/g, '$1'));
    rest = rest.slice(match[0].length);
  }
  return names;
}

/** A path as CEL rules and selectable fields name fields (apiextensions-apiserver `schema/cel` ValidFieldPath), or what is wrong with it. */
export function fieldPathOf(path: string, schema: JsonSchema, brackets: boolean): FieldPath | string {
  const names = namesOf(path, brackets);
  if (typeof names === 'string') return names;
  if (names.length === 0) return 'empty path';
  let at = schema;
  for (const name of names) {
    const inner: JsonSchema | undefined = ownMember(at.properties, name) ?? additionalOf(at);
    if (inner === undefined) return 'does not refer to a valid field';
    at = inner;
  }
  return { names, schema: at };
}
