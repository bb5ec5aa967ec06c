import { setOwnMember } from '#libs/apimachinery';
import { elementOf } from './element.js';
import { isEmpty, isMember, type Fields } from './fields.js';
import { isMap, memberType, resolved, type MergeType } from './merge-type.js';

/** A value without the fields of a set. Undefined where nothing is left of a map or list. Atomic values stay whole. */
export function withoutFields(type: MergeType, value: unknown, set: Fields): unknown {
  if (isEmpty(set)) return value;
  const is = resolved(type, value);
  if (is.kind === 'map' && !is.atomic && isMap(value)) {
    const out: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const place = set[`f:${name}`];
      const member = memberType(is, name);
      if (place === undefined || member === undefined) setOwnMember(out, name, value[name]);
      else if (!isMember(place)) {
        const rest = withoutFields(member, value[name], place);
        if (rest !== undefined) setOwnMember(out, name, rest);
      }
    }
    return Object.keys(out).length === 0 ? undefined : out;
  }
  if (is.kind === 'list' && is.type !== 'atomic' && Array.isArray(value)) {
    const out = value.flatMap((item: unknown) => {
      const place = set[elementOf(is, item) ?? ''];
      if (place === undefined) return [item];
      if (isMember(place)) return [];
      const rest = withoutFields(is.item(), item, place);
      return rest === undefined ? [] : [rest];
    });
    return out.length === 0 ? undefined : out;
  }
  return value;
}
