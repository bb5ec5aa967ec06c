import type { OwnedObject } from '#libs/apimachinery';
import type { Entry } from '../ports.js';

const MARK = '"ownerReferences"';

/** The uids an entry names as its owners. The body is parsed only where the word occurs in its bytes. */
function ownersOf(entry: Entry): readonly string[] {
  const { body } = entry;
  if (!Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(MARK)) return [];
  return (entry.object.metadata.ownerReferences ?? []).map(({ uid }) => uid);
}

/** Finds dependents by their owner's uid, across all resources. */
export class OwnerIndex {
  readonly #dependents = new Map<string, Set<Entry>>();

  replace(old: Entry | undefined, next: Entry | undefined): void {
    if (old) {
      for (const uid of ownersOf(old)) {
        const set = this.#dependents.get(uid);
        set?.delete(old);
        if (set?.size === 0) this.#dependents.delete(uid);
      }
    }
    if (next) {
      for (const uid of ownersOf(next)) {
        const set = this.#dependents.get(uid);
        if (set) set.add(next);
        else this.#dependents.set(uid, new Set([next]));
      }
    }
  }

  ownedBy(uid: string): readonly OwnedObject[] {
    const set = this.#dependents.get(uid);
    return set ? [...set].map(({ resource, object }) => ({ resource, object })) : [];
  }
}
