import { createHash, randomBytes } from 'node:crypto';
import { DEFINITIONS } from '#libs/api';
import { LogUnavailable } from '#libs/log';
import { StateCache } from '#libs/runtime';
import { MemoryLog } from '#libs/simulation';
import { appended, keyStoreContract, metaOf } from '#libs/testing';
import { encodeObject, subjectOf } from '#libs/log';
import { encrypt, wrappedBy } from './cipher.js';
import { KeyDestruction } from './destruction.js';
import { Keyring } from './keyring.js';
import { masterId, WrongSealingKey } from './masters.js';
import { MemoryKeyStore } from './memory-key-store.js';
import { rotateMaster, type SealingKeyFile } from './rotation.js';

keyStoreContract('MemoryKeyStore', async () => new MemoryKeyStore());

const object = { group: '', resource: 'secrets', namespace: 'default', name: 's' };
const body = new TextEncoder().encode('{"kind":"Secret"}');

/** A sealing key file in memory. */
function fileOf(content: Uint8Array): SealingKeyFile & { content(): Uint8Array } {
  let now = content;
  return { read: () => now, write: async (next) => void (now = Uint8Array.from(next)), content: () => now };
}

describe('the master key', () => {
  it('has a name that says nothing of it', () => {
    const key = randomBytes(32);
    expect(masterId(key)).toMatch(/^[0-9a-f]{8}$/);
    expect(masterId(key)).not.toBe(createHash('sha256').update(key).digest('hex').slice(0, 8));
  });

  it('of keys that were stored before masters had names is still found', async () => {
    const [store, master] = [new MemoryKeyStore(), randomBytes(32)];
    const nameless = async (uid: string): Promise<void> => {
      const nonce = randomBytes(12);
      await store.put(uid, Buffer.concat([nonce, encrypt(master, nonce, Buffer.from(uid), randomBytes(32))]));
    };
    await nameless('check');
    await nameless('u1');
    const file = fileOf(master);
    const sealed = await (await Keyring.open(store, file.read)).seal(object, 'u1', body);
    expect(await (await Keyring.open(store, file.read)).open(object, sealed)).toEqual(body);
    await expect(Keyring.open(store, () => randomBytes(32))).rejects.toThrow(WrongSealingKey);
    expect((await rotateMaster(store, file)).keys).toBe(2);
    expect(await (await Keyring.open(store, file.read)).open(object, sealed)).toEqual(body);
  });

  it('is changed without anything being lost, wherever the change was cut off', async () => {
    const setUp = async (): Promise<{ store: MemoryKeyStore; file: ReturnType<typeof fileOf>; sealed: Uint8Array[] }> => {
      const [store, file] = [new MemoryKeyStore(), fileOf(randomBytes(32))];
      const keyring = await Keyring.open(store, file.read);
      const sealed = await Promise.all(['u1', 'u2', 'u3'].map((uid) => keyring.seal(object, uid, body)));
      return { store, file, sealed };
    };
    let cuts = 0;
    for (let steps = 0; ; steps++) {
      const { store, file, sealed } = await setUp();
      const before = file.content();
      let left = steps;
      const spend = (): void => {
        if (left-- <= 0) throw new LogUnavailable('cut off');
      };
      const replace = store.replace.bind(store);
      store.replace = async (...args) => (spend(), replace(...args));
      const cut = await rotateMaster(store, { read: file.read, write: async (next) => (spend(), file.write(next)) }).then(
        () => false,
        () => true,
      );
      store.replace = replace;
      for (const bytes of sealed) expect(await (await Keyring.open(store, file.read)).open(object, bytes)).toEqual(body);
      if (cut) await rotateMaster(store, file);
      expect(file.content()).toHaveLength(32);
      expect(Buffer.from(file.content()).equals(before)).toBe(false);
      const keyring = await Keyring.open(store, file.read);
      for (const bytes of sealed) expect(await keyring.open(object, bytes)).toEqual(body);
      expect(new Set([...store.keys.values()].map(({ value }) => wrappedBy(value)))).toEqual(new Set([masterId(file.content())]));
      if (!cut) break;
      cuts++;
    }
    // Two writes of the file, the check and three keys.
    expect(cuts).toBe(6);
  });

  it('a process that still holds the old one wraps a new key with the new one', async () => {
    const [store, file] = [new MemoryKeyStore(), fileOf(randomBytes(32))];
    const keyring = await Keyring.open(store, file.read);
    await rotateMaster(store, file);
    const sealed = await keyring.seal(object, 'late', body);
    expect(wrappedBy((await store.get('late'))?.value ?? new Uint8Array())).toBe(masterId(file.content()));
    expect(await (await Keyring.open(store, file.read)).open(object, sealed)).toEqual(body);
  });

  it('is said to be missing where a process can not read it', async () => {
    const [store, file] = [new MemoryKeyStore(), fileOf(randomBytes(32))];
    const old = file.content();
    await rotateMaster(store, file).catch(() => undefined);
    await Keyring.open(store, file.read);
    await rotateMaster(store, file);
    await expect(Keyring.open(store, () => old)).rejects.toThrow(/key [0-9a-f]{8} is missing from its file$/);
  });
});

describe('the key of a deleted Secret', () => {
  const GRACE = 3_600_000;
  const set = async (): Promise<{
    store: MemoryKeyStore;
    destruction: KeyDestruction;
    write: (type: 'Created' | 'Deleted', uid: string, expected: number) => Promise<number>;
    wait: (ms: number) => void;
    end: () => Promise<void>;
  }> => {
    let now = 1_000_000;
    const stop = new AbortController();
    const log = new MemoryLog({ now: () => now });
    const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const snapshots = { snapshot: async () => ({ position: { state: 0, lease: 0, event: 0 }, rows: [] }) };
    const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger, signal: stop.signal });
    const store = new MemoryKeyStore(() => now);
    const subject = subjectOf('one', 'state', { group: '', resource: 'secrets' }, 'default', 's');
    return {
      store,
      destruction: new KeyDestruction({ store, log, view, world: { now: () => now }, logger, graceMs: GRACE }),
      write: async (type, uid, expected) => {
        await store.put(uid, new Uint8Array(65));
        const secret = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's', namespace: 'default', uid } };
        const [sequence = 0] = await appended(log, 'state', [{ subject, expected, meta: metaOf({ type }), body: encodeObject(secret) }]);
        return sequence;
      },
      wait: (ms) => void (now += ms),
      end: async () => {
        stop.abort();
        await log.close();
      },
    };
  };

  it('stays while the Secret is there, and for the grace after; then it is destroyed', async () => {
    const { store, destruction, write, wait, end } = await set();
    await store.put('check', new Uint8Array(65));
    const at = await write('Created', 'u1', 0);
    wait(10 * GRACE);
    expect(await destruction.sweep()).toEqual([]);
    await write('Deleted', 'u1', at);
    expect(await destruction.sweep()).toEqual([]);
    wait(GRACE - 1);
    expect(await destruction.sweep()).toEqual([]);
    wait(1);
    expect(await destruction.sweep()).toEqual(['u1']);
    expect(await store.list()).toEqual(['check']);
    await end();
  });

  it('is kept where the Secret is back in time', async () => {
    const { store, destruction, write, wait, end } = await set();
    const deleted = await write('Deleted', 'u1', await write('Created', 'u1', 0));
    await destruction.sweep();
    wait(GRACE / 2);
    await write('Created', 'u1', deleted);
    await destruction.sweep();
    wait(GRACE);
    expect(await destruction.sweep()).toEqual([]);
    expect(await store.list()).toEqual(['u1']);
    await end();
  });
});
