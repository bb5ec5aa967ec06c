import { randomBytes } from 'node:crypto';
import type { TestServer } from '#libs/testing';
import { startNats } from '#libs/testing';
import { connectKeyring, WrongSealingKey } from './keyring.js';

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
    const open = (): ReturnType<typeof connectKeyring> => connectKeyring({ url: server.url, cluster: 'one', master });
    const [one, two] = await Promise.all([open(), open()]);
    const [left, right] = await Promise.all([one.seal(object, 'u1', body), two.seal(object, 'u1', body)]);
    expect(await two.open(object, left)).toEqual(body);
    expect(await one.open(object, right)).toEqual(body);
    await one.destroy('u1');
    const three = await open();
    expect(JSON.parse(new TextDecoder().decode(await three.open(object, left)))).not.toHaveProperty('data');
    await Promise.all([one.close(), two.close(), three.close()]);
  });

  it('are refused to another master key', async () => {
    await (await connectKeyring({ url: server.url, cluster: 'two', master: randomBytes(32) })).close();
    await expect(connectKeyring({ url: server.url, cluster: 'two', master: randomBytes(32) })).rejects.toThrow(WrongSealingKey);
  });
});
