import { controllerOf, type KubeObject } from '#libs/apimachinery';
import type { Entry } from '../ports.js';
import { compareBytewise } from './bytewise.js';

const MARK = '"controller":true';

/** Whether a controller owns the object. The body is parsed only where the words occur in its bytes. */
function isControlled(entry: Entry): boolean {
  const { body } = entry;
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(MARK) && controllerOf(entry.object) !== undefined;
}

/** The objects of one resource that no controller owns, by namespace: few, where there are many objects. */
export class OrphanIndex {
  readonly #namespaces = new Map<string, Map<string, Entry>>();

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) this.put(entry);
  }

  put(entry: Entry): void {
    const { namespace, name } = entry;
    if (isControlled(entry)) return this.remove(namespace, name);
    const orphans = this.#namespaces.get(namespace);
    if (orphans) orphans.set(name, entry);
    else this.#namespaces.set(namespace, new Map([[name, entry]]));
  }

  remove(namespace: string, name: string): void {
    const orphans = this.#namespaces.get(namespace);
    orphans?.delete(name);
    if (orphans?.size === 0) this.#namespaces.delete(namespace);
  }

  /** Sorted by name, as lists are. */
  orphans(namespace: string): readonly KubeObject[] {
    const orphans = [...(this.#namespaces.get(namespace)?.values() ?? [])];
    return orphans.sort((a, b) => compareBytewise(a.name, b.name)).map(({ object }) => object);
  }
}
