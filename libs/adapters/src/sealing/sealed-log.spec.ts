import { randomBytes } from 'node:crypto';
import type { AppendWrite } from '#libs/log';
import { encodeObject, splitSealed, subjectOf } from '#libs/log';
import { MemoryLog } from '#libs/simulation';
import { appended, eventLogContract, eventsOf, metaOf } from '#libs/testing';
import { Keyring, WITHOUT_KEYS } from './keyring.js';
import { WrongSealingKey } from './masters.js';
import { MemoryKeyStore } from './memory-key-store.js';
import { SealedLog } from './sealed-log.js';

const secretKey = randomBytes(32);
const master = (): Uint8Array => secretKey;
const memoryStore = (): MemoryKeyStore => new MemoryKeyStore();
const secret = (name: string, uid = 'u1', password = 'hunter2'): AppendWrite => ({
  subject: subjectOf('one', 'state', { group: '', resource: 'secrets' }, 'default', name),
  expected: 0,
  meta: metaOf(),
  body: encodeObject({
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid, labels: { app: 'web' } },
    ...{ data: { password } },
  }),
});
const parsed = (body: Uint8Array | undefined): unknown => JSON.parse(new TextDecoder().decode(body));

eventLogContract('SealedLog', async () => new SealedLog(new MemoryLog(), await Keyring.open(memoryStore(), master)));

describe('Secrets in the log', () => {
  it('are encrypted from the first event on, and plain to whoever has the keyring', async () => {
    const beneath = new MemoryLog();
    const log = new SealedLog(beneath, await Keyring.open(memoryStore(), master));
    const write = secret('s');
    await appended(log, 'state', [write]);
    const [stored] = await eventsOf(beneath);
    expect(stored?.meta.encoding).toBe('aes256gcm');
    expect(Buffer.from(stored?.body ?? []).includes('hunter2')).toBe(false);
    expect(splitSealed(stored?.body ?? new Uint8Array()).uid).toBe('u1');
    expect((await eventsOf(log))[0]).toEqual({ ...stored, body: write.body, meta: { ...write.meta, encoding: 'json' } });
    expect(parsed((await log.lastOf('state', write.subject))?.body)).toMatchObject({ data: { password: 'hunter2' } });
  });

  it('of one object share a key, but no two bodies are alike', async () => {
    const keyring = await Keyring.open(memoryStore(), master);
    const object = { group: '', resource: 'secrets', namespace: 'default', name: 's' };
    const body = secret('s').body;
    const [one, two] = await Promise.all([keyring.seal(object, 'u1', body), keyring.seal(object, 'u1', body)]);
    expect(one).not.toEqual(two);
    expect(await keyring.open(object, one)).toEqual(body);
    expect(await keyring.open(object, two)).toEqual(body);
  });

  it('whose key was destroyed are objects without data, in every revision', async () => {
    const beneath = new MemoryLog();
    const keyring = await Keyring.open(memoryStore(), master);
    const log = new SealedLog(beneath, keyring);
    await appended(log, 'state', [secret('s')]);
    await appended(log, 'state', [secret('other', 'u2')]);
    await keyring.destroy('u1');
    const [gone, kept] = await eventsOf(log);
    expect(parsed(gone?.body)).toEqual({
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: {
        name: 's',
        namespace: 'default',
        uid: 'u1',
        annotations: {
          'decklog.dev/sealed': "the key of this Secret was destroyed after it had been deleted; what it held can't be read again",
        },
      },
    });
    expect(parsed(kept?.body)).toMatchObject({ data: { password: 'hunter2' } });
  });

  it('are objects without data to a process that has no keys', async () => {
    const beneath = new MemoryLog();
    await appended(new SealedLog(beneath, await Keyring.open(memoryStore(), master)), 'state', [secret('s')]);
    const [stored] = await eventsOf(beneath);
    const object = { group: '', resource: 'secrets', namespace: 'default', name: 's' };
    expect(parsed(await WITHOUT_KEYS.open(object, stored?.body ?? new Uint8Array()))).not.toHaveProperty('data');
  });

  it('can not be passed off as another object, nor altered', async () => {
    const keyring = await Keyring.open(memoryStore(), master);
    const object = { group: '', resource: 'secrets', namespace: 'default', name: 's' };
    const body = await keyring.seal(object, 'u1', secret('s').body);
    await expect(keyring.open({ ...object, name: 't' }, body)).rejects.toThrow();
    const altered = body.slice();
    altered.set([(altered.at(-1) ?? 0) ^ 1], altered.length - 1);
    await expect(keyring.open(object, altered)).rejects.toThrow();
  });

  it('are refused under a master key that the keys were not wrapped with', async () => {
    const store = memoryStore();
    const other = randomBytes(32);
    await Keyring.open(store, master);
    await expect(Keyring.open(store, () => other)).rejects.toThrow(WrongSealingKey);
    await expect(Keyring.open(store, () => randomBytes(16))).rejects.toThrow('the sealing key has 16 bytes, must have 32');
  });
});
