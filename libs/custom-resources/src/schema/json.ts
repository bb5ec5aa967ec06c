import { setOwnMember, type JsonObject } from '#libs/apimachinery';

/** `object` with its members as `change` gives them, undefined for those to be dropped; the same object where nothing changed. */
export function mapMembers(object: JsonObject, change: (name: string, value: unknown) => unknown): JsonObject {
  const names = Object.keys(object);
  let out: Record<string, unknown> | undefined;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = object[name];
    const next = change(name, value);
    if (next !== value && out === undefined) {
      out = {};
      for (let j = 0; j < i; j++) setOwnMember(out, names[j] as string, object[names[j] as string]);
    }
    if (out !== undefined && next !== undefined) setOwnMember(out, name, next);
  }
  return out ?? object;
}

/** A list with its items as `change` gives them; the same list where nothing changed. */
export function mapItems(list: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  let out: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const next = change(item, i);
    if (next !== item) (out ??= list.slice())[i] = next;
  }
  return out ?? list;
}
