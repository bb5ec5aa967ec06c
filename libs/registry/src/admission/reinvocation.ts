import { deepEqual, type KubeObject } from '#libs/apimachinery';

/** What one plugin of webhooks or policies remembers between the two rounds of mutation. */
class Memory {
  readonly invoked = new Set<string>();
  readonly again = new Set<string>();
  last: KubeObject | undefined;

  requireAll(): void {
    for (const key of this.invoked) this.again.add(key);
    this.invoked.clear();
  }
}

/**
 * The two rounds of mutation, as upstream has them: where a webhook or policy changed the object, the built-in steps
 * run again, and those that ask for it (`reinvocationPolicy: IfNeeded`) see the object once more if it changed since.
 */
export class Reinvocation {
  round = 0;
  needed = false;
  readonly #memories = new Map<string, Memory>();

  #memory(plugin: string): Memory {
    const known = this.#memories.get(plugin) ?? new Memory();
    this.#memories.set(plugin, known);
    return known;
  }

  /** Before a plugin's webhooks or policies are asked in a round. */
  begin(plugin: string, object: KubeObject | undefined): void {
    const memory = this.#memory(plugin);
    if (this.round > 0 && !deepEqual(memory.last, object)) memory.requireAll();
  }

  /** After they were asked. */
  end(plugin: string, object: KubeObject | undefined): void {
    this.#memory(plugin).last = object;
  }

  /** Whether one is to be asked in this round: always in the first. */
  asks(plugin: string, key: string): boolean {
    return this.round === 0 || this.#memory(plugin).again.has(key);
  }

  /** After one was asked. */
  asked(plugin: string, key: string, changed: boolean, ifNeeded: boolean): void {
    const memory = this.#memory(plugin);
    if (changed) {
      memory.requireAll();
      this.needed = true;
    }
    if (ifNeeded) memory.invoked.add(key);
  }
}
