import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { testAuthority } from '#libs/testing';
import { HttpsWebhookCaller } from './https-webhook-caller.js';

test('a call goes out once more where a kept connection was closed at the other end', async () => {
  const authority = await testAuthority();
  const pair = await authority.issue('webhook', { addresses: ['127.0.0.1'] });
  const served = new WeakSet<Socket>();
  const server = createServer(pair, ({ socket }, answer) => {
    if (served.has(socket)) return void socket.destroy();
    served.add(socket);
    answer.end('{"fine":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const caller = new HttpsWebhookCaller({ get: () => undefined, list: () => [] });
  const caBundle = Buffer.from(authority.cert).toString('base64');
  const call = { key: 'k', target: { url: `https://127.0.0.1:${port}/` }, caBundle, timeoutSeconds: 5, body: {} };
  try {
    expect(await caller.call(call)).toEqual({ body: { fine: true } });
    expect(await caller.call(call)).toEqual({ body: { fine: true } });
  } finally {
    caller.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
