import type { KubeObject } from '#libs/apimachinery';
import type { Entry } from '../ports.js';
import { compareBytewise, findSorted } from './bytewise.js';

const NONE: readonly Entry[] = [];
const nameOf = (entry: Entry): string => entry.name;
const same = (text: string): string => text;

/** The objects of one namespace, found by name and kept in order, so that a list never sorts. */
class NamespaceTable {
  readonly byName = new Map<string, Entry>();
  readonly #sorted: Entry[] = [];
  #list: readonly Entry[] | undefined;
  #objects: readonly KubeObject[] | undefined;

  put(entry: Entry): void {
    const known = this.byName.has(entry.name);
    this.byName.set(entry.name, entry);
    const at = this.#placeOf(entry.name);
    if (known) this.#sorted[at] = entry;
    else this.#sorted.splice(-(at + 1), 0, entry);
    this.#changed();
  }

  remove(name: string): void {
    if (!this.byName.delete(name)) return;
    this.#sorted.splice(this.#placeOf(name), 1);
    this.#changed();
  }

  get list(): readonly Entry[] {
    this.#list ??= this.#sorted.slice();
    return this.#list;
  }

  get objects(): readonly KubeObject[] {
    this.#objects ??= this.list.map(({ object }) => object);
    return this.#objects;
  }

  /** Names that come in ascending order, as a snapshot's rows do, are appended without a search. */
  #placeOf(name: string): number {
    const last = this.#sorted.at(-1);
    if (last === undefined || compareBytewise(last.name, name) < 0) return -(this.#sorted.length + 1);
    return findSorted(this.#sorted, name, nameOf);
  }

  #changed(): void {
    this.#list = undefined;
    this.#objects = undefined;
  }
}

/** The current objects of one resource. Lists handed out are snapshots: a later event does not change them. */
export class ResourceTable {
  readonly #namespaces = new Map<string, NamespaceTable>();
  readonly #names: string[] = [];
  #list: readonly Entry[] | undefined;
  #objects: readonly KubeObject[] | undefined;

  get(namespace: string, name: string): Entry | undefined {
    return this.#namespaces.get(namespace)?.byName.get(name);
  }

  put(entry: Entry): void {
    let table = this.#namespaces.get(entry.namespace);
    if (!table) {
      table = new NamespaceTable();
      this.#namespaces.set(entry.namespace, table);
      this.#names.splice(-(findSorted(this.#names, entry.namespace, same) + 1), 0, entry.namespace);
    }
    table.put(entry);
    this.#changed();
  }

  remove(namespace: string, name: string): void {
    const table = this.#namespaces.get(namespace);
    if (!table) return;
    table.remove(name);
    if (table.byName.size === 0) {
      this.#namespaces.delete(namespace);
      this.#names.splice(findSorted(this.#names, namespace, same), 1);
    }
    this.#changed();
  }

  entries(namespace: string | undefined): readonly Entry[] {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.list ?? NONE;
    this.#list ??= this.#names.flatMap((name) => this.#namespaces.get(name)?.list ?? NONE);
    return this.#list;
  }

  objects(namespace: string | undefined): readonly KubeObject[] {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.objects ?? [];
    this.#objects ??= this.entries(undefined).map(({ object }) => object);
    return this.#objects;
  }

  #changed(): void {
    this.#list = undefined;
    this.#objects = undefined;
  }
}
