import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appended, configMapWrite, startNats, testAuthority, type TestAuthority, type TestServer } from '#libs/testing';
import { connectLog } from './jetstream-log.js';

const folder = mkdtempSync(join(tmpdir(), 'decklog-tls-'));
const file = (name: string): string => join(folder, name);
let server: TestServer;

async function pair(authority: TestAuthority, name: string, addresses?: readonly string[]): Promise<void> {
  const { cert, key } = await authority.issue(name, addresses === undefined ? {} : { addresses, hosts: ['localhost'] });
  writeFileSync(file(`${name}.crt`), cert);
  writeFileSync(file(`${name}.key`), key);
}

beforeAll(async () => {
  const [own, other] = await Promise.all([testAuthority(), testAuthority()]);
  writeFileSync(file('ca.crt'), own.cert);
  writeFileSync(file('other-ca.crt'), other.cert);
  await pair(own, 'server', ['127.0.0.1']);
  await pair(own, 'client');
  await pair(other, 'stranger');
  const files = `cert_file: "${file('server.crt')}", key_file: "${file('server.key')}", ca_file: "${file('ca.crt')}", verify: true`;
  server = await startNats(`tls { ${files} }`);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const url = (query: string): string => `tls://localhost:${server.port}${query}`;
const own = (name: string): string => `?ca=${file('ca.crt')}&cert=${file(`${name}.crt`)}&key=${file(`${name}.key`)}`;

describe('a log whose server speaks TLS alone', () => {
  it('is used by who believes its authority and shows a certificate of it', async () => {
    const log = await connectLog({ url: url(own('client')), cluster: 'one' });
    expect(await appended(log, 'state', [configMapWrite('one', 'a')])).toEqual([1]);
    await log.close();
  });

  it.each<[string, () => string]>([
    ['who has no certificate', () => url(`?ca=${file('ca.crt')}`)],
    ['who has one of another authority', () => url(own('stranger'))],
    ['who believes another authority', () => url(`?ca=${file('other-ca.crt')}&cert=${file('client.crt')}&key=${file('client.key')}`)],
  ])('is closed to %s', async (_, address) => {
    // Of a refusal that comes after its own half of the handshake the client hears nothing.
    await expect(connectLog({ url: address(), cluster: 'one', connection: { timeout: 500 } })).rejects.toThrow();
  });

  it('is not asked in clear where encryption was asked for', async () => {
    const plain = await startNats();
    try {
      await expect(connectLog({ url: plain.url.replace('nats://', 'tls://'), cluster: 'one' })).rejects.toThrow();
    } finally {
      await plain.stop();
    }
  });
});
