import { createHash } from 'node:crypto';

/** The sealing key is not one that the cluster's keys are wrapped with, or its file holds no key. */
export class WrongSealingKey extends Error {
  override readonly name = 'WrongSealingKey';
}

/** A master key, and the four bytes by which what it wrapped names it. */
export interface Master {
  readonly id: string;
  readonly key: Uint8Array;
}

const KEY = 32;
const MOST = 8;

/** The name of a master key: says nothing of the key. */
export const masterId = (key: Uint8Array): string =>
  createHash('sha256').update('decklog sealing key').update(key).digest('hex').slice(0, 8);

/** The keys of a sealing key file: 32 bytes each, the one that new keys are wrapped with first. Throws WrongSealingKey. */
export function mastersOf(file: Uint8Array): readonly Master[] {
  if (file.length === 0 || file.length % KEY !== 0 || file.length > MOST * KEY) {
    throw new WrongSealingKey(`the sealing key has ${file.length} bytes, must have ${KEY}`);
  }
  return Array.from({ length: file.length / KEY }, (_, i) => {
    const key = Uint8Array.from(file.subarray(i * KEY, (i + 1) * KEY));
    return { id: masterId(key), key };
  });
}

/** The sealing key file as a process knows it: read again where a key is named that was not in it. */
export class Masters {
  private known: readonly Master[];

  constructor(private readonly read: () => Uint8Array) {
    this.known = mastersOf(read());
  }

  /** The key that new ones are wrapped with. */
  get current(): Master {
    const [first] = this.known;
    if (first === undefined) throw new WrongSealingKey('the sealing key file holds no key');
    return first;
  }

  get all(): readonly Master[] {
    return this.known;
  }

  /** The key of that name. Throws WrongSealingKey where the file does not hold it, now either. */
  named(id: string): Master {
    const found = this.known.find((master) => master.id === id);
    if (found) return found;
    this.known = mastersOf(this.read());
    const late = this.known.find((master) => master.id === id);
    if (late) return late;
    throw new WrongSealingKey(
      `the sealing key is not the one that this cluster's keys are wrapped with: key ${id} is missing from its file`,
    );
  }
}
