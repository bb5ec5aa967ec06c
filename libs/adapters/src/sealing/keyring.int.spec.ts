import { randomBytes } from 'node:crypto';
import type { TestServer } from '#libs/testing';
import { keyStoreContract, startNats } from '#libs/testing';
import { connectKeyring, connectKeyStore } from './keyring.js';
import { WrongSealingKey } from './masters.js';
import { rotateMaster } from './rotation.js';

describe('keys of Secrets in a JetStream bucket', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startNats();
  }, 30_000);
  afterAll(() => server.stop());

  const object = { group: '', resource: 'secrets', namespace: 'default', name: 's' };
  const body = new TextEncoder().encode('{"kind":"Secret","apiVersion":"v1","metadata":{"uid":"u1"},"data":{"a":"Yg=="}}');

  it('are shared by all processes, also when two seal the first body at once, and end with their removal', async () => {
    const master = randomBytes(32);
    const open = (): ReturnType<typeof connectKeyring> => connectKeyring({ url: server.url, cluster: 'one', master: () => master });
    const [one, two] = await Promise.all([open(), open()]);
    const [left, right] = await Promise.all([one.seal(object, 'u1', body), two.seal(object, 'u1', body)]);
    expect(await two.open(object, left)).toEqual(body);
    expect(await one.open(object, right)).toEqual(body);
    await one.destroy('u1');
    const three = await open();
    expect(JSON.parse(new TextDecoder().decode(await three.open(object, left)))).not.toHaveProperty('data');
    await Promise.all([one.close(), two.close(), three.close()]);
  });

  let made = 0;
  keyStoreContract('JetStream', () => connectKeyStore({ url: server.url, cluster: `store${made++}` }));

  it('are forgotten by every process that had them in memory once one of them destroys them', async () => {
    const master = randomBytes(32);
    const open = (): ReturnType<typeof connectKeyring> => connectKeyring({ url: server.url, cluster: 'three', master: () => master });
    const [one, two] = await Promise.all([open(), open()]);
    const sealed = await one.seal(object, 'u1', body);
    expect(await two.open(object, sealed)).toEqual(body);
    await one.destroy('u1');
    const text = async (): Promise<string> => new TextDecoder().decode(await two.open(object, sealed));
    for (let tries = 0; tries < 200 && (await text()).includes('"data"'); tries++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(await text()).toContain('the key of this Secret was destroyed');
    await Promise.all([one.close(), two.close()]);
  });

  it('are wrapped with a new master while processes seal and open, none of which is started again', async () => {
    let content: Uint8Array = randomBytes(32);
    const file = { read: () => content, write: async (next: Uint8Array) => void (content = next) };
    const keyring = await connectKeyring({ url: server.url, cluster: 'four', master: file.read });
    const store = await connectKeyStore({ url: server.url, cluster: 'four' });
    const sealed: [string, Uint8Array][] = [];
    let rotating = true;
    const sealing = (async () => {
      for (let i = 0; rotating || i < 50; i++) sealed.push([`u${i}`, await keyring.seal({ ...object, name: `s${i}` }, `u${i}`, body)]);
    })();
    const before = content;
    const { keys } = await rotateMaster(store, file);
    rotating = false;
    await sealing;
    expect(keys).toBeGreaterThan(0);
    expect([content.length, Buffer.from(content).equals(before)]).toEqual([32, false]);
    const later = await connectKeyring({ url: server.url, cluster: 'four', master: file.read });
    for (const [i, [, bytes]] of sealed.entries()) expect(await later.open({ ...object, name: `s${i}` }, bytes)).toEqual(body);
    await expect(connectKeyring({ url: server.url, cluster: 'four', master: () => before })).rejects.toThrow(WrongSealingKey);
    await Promise.all([keyring.close(), later.close(), store.close()]);
  });

  it('are refused to another master key', async () => {
    const [mine, other] = [randomBytes(32), randomBytes(32)];
    await (await connectKeyring({ url: server.url, cluster: 'two', master: () => mine })).close();
    await expect(connectKeyring({ url: server.url, cluster: 'two', master: () => other })).rejects.toThrow(WrongSealingKey);
  });
});
