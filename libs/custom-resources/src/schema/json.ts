/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object's own member: what every object inherits, such as `constructor`, is none. */
export const own = <T>(object: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;

/** Sets a member whatever it is called: an assignment to `__proto__` would set the prototype. */
export function setMember(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

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
      for (let j = 0; j < i; j++) setMember(out, names[j] as string, object[names[j] as string]);
    }
    if (out !== undefined && next !== undefined) setMember(out, name, next);
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
