import type { KubeObject } from '#libs/apimachinery';
import type { Entry } from '../ports.js';
import { compareBytewise, findSorted } from './bytewise.js';

const NONE: readonly Entry[] = [];
const nameOf = (entry: Entry): string => entry.name;
const same = (text: string): string => text;

/** From so many changes on they are merged into the order together, one by one before. */
const MANY = 32;

/**
 * The objects of one namespace, found by name, and in order where somebody asks for a list. Until then changes are only noted: among
 * many objects each costs as much to put in its place as all of them together.
 */
class NamespaceTable {
  readonly byName = new Map<string, Entry>();
  #sorted: Entry[] = [];
  /** Names whose place in the order is not as `byName` has it. */
  readonly #changed = new Set<string>();
  #list: readonly Entry[] | undefined;
  #objects: readonly KubeObject[] | undefined;

  put(entry: Entry): void {
    this.byName.set(entry.name, entry);
    this.#note(entry.name);
  }

  remove(name: string): void {
    if (this.byName.delete(name)) this.#note(name);
  }

  get list(): readonly Entry[] {
    if (this.#list === undefined) {
      if (this.#changed.size > MANY) this.#merge();
      else for (const name of this.#changed) this.#place(name);
      this.#changed.clear();
      this.#list = this.#sorted.slice();
    }
    return this.#list;
  }

  get objects(): readonly KubeObject[] {
    this.#objects ??= this.list.map(({ object }) => object);
    return this.#objects;
  }

  #note(name: string): void {
    this.#changed.add(name);
    this.#list = undefined;
    this.#objects = undefined;
  }

  #place(name: string): void {
    const entry = this.byName.get(name);
    const at = findSorted(this.#sorted, name, nameOf);
    if (at >= 0 && entry !== undefined) this.#sorted[at] = entry;
    else if (at >= 0) this.#sorted.splice(at, 1);
    else if (entry !== undefined) this.#sorted.splice(-(at + 1), 0, entry);
  }

  #merge(): void {
    const names = [...this.#changed].sort(compareBytewise);
    const merged: Entry[] = [];
    let next = 0;
    const takeUpTo = (limit: string | undefined): void => {
      for (let name = names[next]; name !== undefined && (limit === undefined || compareBytewise(name, limit) < 0); name = names[++next]) {
        const entry = this.byName.get(name);
        if (entry !== undefined) merged.push(entry);
      }
    };
    for (const entry of this.#sorted) {
      takeUpTo(entry.name);
      if (!this.#changed.has(entry.name)) merged.push(entry);
    }
    takeUpTo(undefined);
    this.#sorted = merged;
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
