import { deepFreeze, type KubeObject } from '#libs/apimachinery';
import { decodeObject, type Sequence } from '#libs/log';

/** Reads each event's object once for all processes of a run: what was read is frozen, so that none can tell. */
export function sharedDecode(): (body: Uint8Array, sequence: Sequence) => KubeObject {
  const known = new WeakMap<Uint8Array, KubeObject>();
  return (body, sequence) => {
    const before = known.get(body);
    if (before) return before;
    const object = deepFreeze(decodeObject(body, sequence));
    known.set(body, object);
    return object;
  };
}
