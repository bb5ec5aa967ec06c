import { randomBytes } from 'node:crypto';
import { LogUnavailable } from '#libs/log';
import { unwrapKey, wrapKey, wrappedBy } from './cipher.js';
import type { KeyStore } from './key-store.js';
import { CHECK } from './keyring.js';
import { masterId, Masters, type Master } from './masters.js';

/** The sealing key file, as a rotation needs it. `write` is durable and replaces the whole: a reader sees the old or the new. */
export interface SealingKeyFile {
  read(): Uint8Array;
  write(content: Uint8Array): Promise<void>;
}

/** What a rotation did. */
export interface Rotated {
  /** Names of the master before and of the one now. */
  readonly from: string;
  readonly to: string;
  readonly keys: number;
}

const KEY = 32;
/** Passes over all keys: each finds only what was made during the one before. */
const PASSES = 100;

/**
 * Wraps every data key with a new master while the cluster runs, then leaves the old one out of the file. In this order, so
 * that it may be cut off anywhere and started again: the file gets the new master in front of the old; the store is told that
 * new keys are to be wrapped with it; keys are wrapped again one by one; when none is left, the file holds the new one alone.
 */
export async function rotateMaster(store: KeyStore, file: SealingKeyFile): Promise<Rotated> {
  const begun = new Masters(() => file.read());
  // Two keys are a rotation that was cut off: it goes on.
  const fresh = begun.all.length > 1 ? begun.current : newMaster();
  const from = begun.all.length > 1 ? (begun.all[1] ?? begun.current) : begun.current;
  if (begun.all.length === 1) await file.write(Buffer.concat([fresh.key, from.key]));
  const masters = new Masters(() => file.read());
  let keys = 0;
  if (await rewrap(store, masters, CHECK, fresh)) keys++;
  for (let pass = 1; ; pass++) {
    let wrapped = 0;
    for (const uid of await store.list()) if (!uid.startsWith('gone.') && (await rewrap(store, masters, uid, fresh))) wrapped++;
    keys += wrapped;
    if (wrapped === 0) break;
    if (pass === PASSES)
      throw new LogUnavailable('new keys are still being wrapped with the old sealing key: do all processes read the same file?');
  }
  await file.write(fresh.key);
  return { from: from.id, to: fresh.id, keys };
}

function newMaster(): Master {
  const key = new Uint8Array(randomBytes(KEY));
  return { id: masterId(key), key };
}

/** Whether the key had to be wrapped again. What changes or goes meanwhile is looked at in the next pass. */
async function rewrap(store: KeyStore, masters: Masters, uid: string, master: Master): Promise<boolean> {
  const stored = await store.get(uid);
  if (stored === undefined || wrappedBy(stored.value) === master.id) return false;
  await store.replace(uid, wrapKey(master, uid, unwrapKey(masters, uid, stored.value)), stored.revision);
  return true;
}
