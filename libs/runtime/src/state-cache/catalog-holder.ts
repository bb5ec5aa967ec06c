import type { Catalog, CatalogSource } from '#libs/api';

/** The catalog as it is now, and who wants to know when it changes. */
export class CatalogHolder implements CatalogSource {
  readonly #listeners = new Set<(next: Catalog) => void>();
  #current: Catalog;

  constructor(current: Catalog) {
    this.#current = current;
  }

  get current(): Catalog {
    return this.#current;
  }

  subscribe(listener: (next: Catalog) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next catalog; nobody is told of one that serves the same. */
  put(next: Catalog): void {
    const same = next.definitions.length === this.#current.definitions.length;
    if (same && next.definitions.every((one, index) => one === this.#current.definitions[index])) return;
    this.#current = next;
    for (const listener of this.#listeners) listener(next);
  }
}
