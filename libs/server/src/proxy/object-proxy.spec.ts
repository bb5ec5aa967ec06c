import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer } from '#libs/testing';

const POD = '/api/v1/namespaces/a/pods/p/proxy';
const SERVICE = '/api/v1/namespaces/a/services/s:web/proxy';
const PAGE = '<html><a href="/next">next</a></html>';

describe('a proxy to a pod', () => {
  let api: TestApiServer;
  let backend: Server;
  let port: number;
  const seen: IncomingMessage[] = [];

  beforeAll(async () => {
    backend = createServer((request, response) => {
      seen.push(request);
      const { url = '', method = '' } = request;
      if (url.startsWith('/moved')) return void response.writeHead(302, { Location: '/there' }).end();
      if (url.startsWith('/page')) {
        const zipped = url.endsWith('zipped');
        const headers = { 'content-type': 'text/html; charset=utf-8', ...(zipped ? { 'content-encoding': 'gzip' } : {}) };
        return void response.writeHead(200, headers).end(zipped ? gzipSync(PAGE) : PAGE);
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () =>
        response.writeHead(200, { 'x-method': method }).end(`${method} ${url} ${Buffer.concat(chunks).toString()}`.trim()),
      );
    });
    backend.on('upgrade', (request, socket) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.on('data', (data) => socket.end(`heard ${data.toString()} at ${request.url ?? ''}`));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    ({ port } = backend.address() as AddressInfo);
    api = await startTestApiServer({ options: { isProxyable: () => true } });
    const put = (object: object) => api.put(object as KubeObject);
    const metadata = { namespace: 'a', uid: 'u' };
    await put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'p' },
      spec: { containers: [{ name: 'c', ports: [{ containerPort: port }] }] },
      status: { podIP: '127.0.0.1' },
    });
    await put({ apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, name: 's' }, spec: { ports: [{ name: 'web', port: 80 }] } });
    await put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: 's-1', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    });
  });
  afterAll(async () => {
    await api.close();
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
  });

  it.each(['DELETE', 'GET', 'OPTIONS', 'PATCH', 'POST', 'PUT'])(
    'passes %s with its path and body on, to the pod and to the Service',
    async (method) => {
      const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'hello';
      for (const proxy of [POD, SERVICE]) {
        const answer = await api.ask(`${proxy}/some/path?x=1`, { method, ...(body === undefined ? {} : { body }) });
        expect([answer.code, answer.text]).toEqual([200, `${method} /some/path?x=1 ${body ?? ''}`.trim()]);
      }
    },
  );

  it('passes HEAD on', async () => {
    const { code, headers, text } = await api.ask(`${POD}/x`, { method: 'HEAD' });
    expect([code, headers['x-method'], text]).toEqual([200, 'HEAD', '']);
  });

  it('tells nobody who asked, and the backend by what path', async () => {
    await api.ask(`${POD}/x`, { headers: { authorization: 'Bearer secret', 'impersonate-user': '' } });
    const { headers } = seen.at(-1) as IncomingMessage;
    expect(headers.authorization).toBeUndefined();
    expect(headers).toMatchObject({ 'x-forwarded-uri': `${POD}/x`, 'x-forwarded-for': expect.stringContaining('127.0.0.1') as string });
  });

  it('sends whoever asks without a path to the root, so that links lead there', async () => {
    const { code, headers } = await api.ask(`${POD}?x=1`);
    expect([code, headers.location]).toEqual([301, `${POD}/?x=1`]);
    expect((await api.ask(POD, { method: 'POST', body: 'b' })).text).toBe('POST / b');
  });

  it('leads redirections and links of pages through itself', async () => {
    expect((await api.ask(`${SERVICE}/moved`)).headers.location).toBe(`${SERVICE}/there`);
    expect((await api.ask(`${POD}/page`)).text).toBe(`<html><a href="${POD}/next">next</a></html>`);
  });

  it('leads links of compressed pages through itself', async () => {
    const answer = await api.open(`${POD}/page/zipped`);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe(`<html><a href="${POD}/next">next</a></html>`);
  });

  it('splices a WebSocket', async () => {
    const heard = await new Promise<string>((resolve, reject) => {
      const asked = httpsRequest({
        host: '127.0.0.1',
        port: api.server.port,
        path: `${POD}/socket`,
        ca: api.authority.cert,
        cert: api.admin.cert,
        key: api.admin.key,
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        },
      });
      asked.once('upgrade', (_answer, socket, head) => {
        let text = head.toString();
        socket.on('data', (data: Buffer) => (text += data.toString()));
        socket.once('end', () => resolve(text));
        socket.write('hello');
      });
      asked.once('response', (answer) => reject(new Error(String(answer.statusCode))));
      asked.once('error', reject);
      asked.end();
    });
    expect(heard).toBe('heard hello at /socket');
  });

  it.each([
    ['a pod that is not there', '/api/v1/namespaces/a/pods/q/proxy/', 404, 'pods "q" not found'],
    ['a Service without that port', '/api/v1/namespaces/a/services/s:81/proxy/', 503, 'no service port 81 found for service "s"'],
    ['a name that is none', '/api/v1/namespaces/a/services/ftp:s:80/proxy/', 400, 'invalid service request "ftp:s:80"'],
    [
      'nothing that listens',
      '/api/v1/namespaces/a/pods/p:1/proxy/',
      503,
      'error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused',
    ],
  ])('to %s says so', async (_, path, code, message) => {
    const answer = await api.ask(path);
    expect([answer.code, answer.json<{ message: string }>().message]).toEqual([code, message]);
  });

  it('is for those who may', async () => {
    const nobody = await api.authority.issue('nobody');
    expect((await api.ask(`${POD}/x`, { client: nobody })).json<{ message: string }>().message).toBe(
      'pods "p" is forbidden: User "nobody" cannot get resource "pods/proxy" in API group "" in the namespace "a"',
    );
  });
});
