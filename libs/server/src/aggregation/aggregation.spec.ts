import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { APISERVICES, type APIService } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, testAuthority, type TestApiServer, type TestPair } from '#libs/testing';

const GROUP = 'wardle.example.com';
const ROOT = `/apis/${GROUP}/v1alpha1`;
const SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices';
const NAME = `v1alpha1.${GROUP}`;
const RESOURCES = [
  {
    name: 'flunders',
    singularName: 'flunder',
    namespaced: true,
    kind: 'Flunder',
    verbs: ['create', 'get', 'list', 'watch'],
    shortNames: ['fl'],
  },
  { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
];

/** An extension API server: says what it has, and what it was asked and by whom. */
class Extension {
  readonly server: Server;
  healthy = true;
  readonly upgraded: string[] = [];

  constructor(pair: TestPair, frontProxyCa: string) {
    this.server = createServer({ ...pair, ca: frontProxyCa, requestCert: true, rejectUnauthorized: false });
    this.server.on('request', (request, response) => this.answer(request, response));
    this.server.on('upgrade', (request, socket) => {
      this.upgraded.push(`${request.url} ${request.headers['x-remote-user']}`);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.on('error', () => socket.destroy()).pipe(socket);
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const send = (code: number, body: object): void => {
      response.writeHead(code, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (!this.healthy) return send(500, {});
    if (path === ROOT)
      return send(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/v1alpha1`, resources: RESOURCES });
    if (path === '/openapi/v3') return send(200, { paths: { [ROOT.slice(1)]: { serverRelativeURL: `/openapi/v3${ROOT}?hash=ABC` } } });
    if (path === `/openapi/v3${ROOT}`) return send(200, { openapi: '3.0.0', info: { title: 'wardle' } });
    if (request.url?.includes('watch=true')) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write('{"type":"ADDED"}\n');
      setTimeout(() => response.end('{"type":"DELETED"}\n'), 20);
      return;
    }
    const socket = request.socket as TLSSocket;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () =>
      send(200, {
        url: request.url,
        method: request.method,
        body: Buffer.concat(chunks).toString(),
        headers: request.headers,
        groups: request.rawHeaders.filter((_, at) => request.rawHeaders[at - 1] === 'x-remote-group'),
        believed: socket.authorized,
        shown: socket.getPeerCertificate().subject?.CN,
      }),
    );
  }
}

describe('an API that another server answers for', () => {
  let api: TestApiServer;
  let extension: Extension;
  const put = (object: object): Promise<number> => api.put(object as KubeObject);
  /** Resolves with the message once the APIService is told to be so. */
  const condition = (status: string, reason: string): Promise<string> =>
    new Promise((resolve) => {
      let stop = (): void => undefined;
      const look = (): void => {
        const { status: told } = (api.view.entry(APISERVICES, '', NAME)?.object ?? {}) as Partial<APIService>;
        const found = told?.conditions?.find(({ type }) => type === 'Available');
        if (found?.status !== status || found.reason !== reason) return;
        stop();
        resolve(found.message ?? '');
      };
      stop = api.view.subscribe(look);
      look();
    });

  beforeAll(async () => {
    const [backends, front] = await Promise.all([testAuthority(), testAuthority()]);
    extension = new Extension(await backends.issue('api', { addresses: ['127.0.0.1'], hosts: ['api.wardle.svc'] }), front.cert);
    extension.server.listen(0, '127.0.0.1');
    await once(extension.server, 'listening');
    const { port } = extension.server.address() as AddressInfo;
    api = await startTestApiServer({ options: { frontProxy: await front.issue('front-proxy-client') } });
    const created = await api.ask(SERVICE, {
      method: 'POST',
      body: {
        metadata: { name: NAME },
        spec: {
          group: GROUP,
          version: 'v1alpha1',
          groupPriorityMinimum: 2000,
          versionPriority: 200,
          service: { namespace: 'wardle', name: 'api' },
          caBundle: Buffer.from(backends.cert).toString('base64'),
        },
      },
    });
    expect(created.code).toBe(201);
    expect(await condition('False', 'ServiceNotFound')).toBe('service/api in "wardle" is not present');
    const unavailable = await api.ask(`${ROOT}/flunders`);
    expect([unavailable.code, unavailable.text, unavailable.headers['content-type']]).toEqual([
      503,
      'service unavailable\n',
      'text/plain; charset=utf-8',
    ]);
    const metadata = { namespace: 'wardle', uid: 'u' };
    await put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, name: 'api' },
      spec: { ports: [{ name: 'https', port: 443 }] },
    });
    await put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: 'api-1', labels: { 'kubernetes.io/service-name': 'api' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
      ports: [{ name: 'https', port }],
    });
    expect(await condition('True', 'Passed')).toBe('all checks passed');
  });
  afterAll(async () => {
    await api.close();
    extension.server.close();
    extension.server.closeAllConnections();
  });

  it('is asked with the front proxy certificate, and told who asks', async () => {
    const asked = await api.ask(`${ROOT}/namespaces/a/flunders?limit=2`, { headers: { 'x-remote-user': 'forged' } });
    const seen = asked.json<{ headers: Record<string, string>; groups: string[] }>();
    expect(seen).toMatchObject({
      url: `${ROOT}/namespaces/a/flunders?limit=2`,
      believed: true,
      shown: 'front-proxy-client',
      headers: { 'x-remote-user': 'admin' },
      groups: ['system:masters', 'system:authenticated'],
    });
  });

  it('gets bodies and methods as they come', async () => {
    const answer = await api.ask(`${ROOT}/namespaces/a/flunders`, { method: 'POST', body: { kind: 'Flunder' } });
    expect(answer.json()).toMatchObject({ method: 'POST', body: '{"kind":"Flunder"}' });
  });

  it('streams watches', async () => {
    const { text } = await api.ask(`${ROOT}/flunders?watch=true`);
    expect(text).toBe('{"type":"ADDED"}\n{"type":"DELETED"}\n');
  });

  it('is in discovery, in its place', async () => {
    const { groups } = (await api.ask('/apis')).json<{ groups: { name: string; preferredVersion: { version: string } }[] }>();
    expect(groups.at(-1)).toMatchObject({ name: GROUP, preferredVersion: { version: 'v1alpha1' } });
    expect((await api.ask(`/apis/${GROUP}`)).json()).toMatchObject({ kind: 'APIGroup', name: GROUP });
    expect((await api.ask(ROOT)).json()).toMatchObject({ resources: RESOURCES });
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { items } = (await api.ask('/apis', { headers: { accept } })).json<{ items: unknown[] }>();
    expect(items.at(-1)).toMatchObject({
      metadata: { name: GROUP },
      versions: [
        { version: 'v1alpha1', freshness: 'Current', resources: [{ resource: 'flunders', subresources: [{ subresource: 'status' }] }] },
      ],
    });
  });

  it('is in OpenAPI, with its own document', async () => {
    const { paths } = (await api.ask('/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
    const { serverRelativeURL = '' } = paths[ROOT.slice(1)] ?? {};
    expect(serverRelativeURL).toBe(`/openapi/v3${ROOT}?hash=ABC`);
    expect((await api.ask(serverRelativeURL)).json()).toMatchObject({ info: { title: 'wardle' } });
  });

  it('may change protocols', async () => {
    const { request } = await import('node:https');
    const { cert, key } = api.admin;
    const headers = { connection: 'Upgrade', upgrade: 'echo' };
    const path = `${ROOT}/namespaces/a/flunders/x/talk`;
    const asked = request({ host: '127.0.0.1', port: api.server.port, path, ca: api.authority.cert, cert, key, agent: false, headers });
    asked.end();
    const [answer, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, TLSSocket];
    expect(answer.statusCode).toBe(101);
    socket.write('hello');
    const [said] = (await once(socket, 'data')) as [Buffer];
    expect(said.toString()).toBe('hello');
    socket.destroy();
    expect(extension.upgraded).toEqual([`${path} admin`]);
  });

  it('is asked by those who may, and by nobody else', async () => {
    const someone = await api.authority.issue('someone');
    const refused = await api.ask(`${ROOT}/flunders`, { client: someone });
    expect(refused.json()).toMatchObject({
      code: 403,
      message: expect.stringContaining(`cannot list resource "flunders" in API group "${GROUP}"`) as string,
    });
  });

  it('is unavailable once it fails, and stays in discovery as what it was', async () => {
    extension.healthy = false;
    const metadata = { namespace: 'wardle', uid: 'u', name: 'other' };
    await put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 1 }] } });
    expect(await condition('False', 'FailedDiscoveryCheck')).toMatch(
      /^failing or missing response from https:\/\/api\.wardle\.svc:443.*: bad status from .*: 500$/,
    );
    expect((await api.ask(`${ROOT}/flunders`)).code).toBe(503);
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { items } = (await api.ask('/apis', { headers: { accept } })).json<{ items: unknown[] }>();
    expect(items.at(-1)).toMatchObject({ versions: [{ freshness: 'Stale', resources: [{ resource: 'flunders' }] }] });
  });

  it('is nowhere once its APIService is gone', async () => {
    await api.ask(`${SERVICE}/${NAME}`, { method: 'DELETE' });
    expect((await api.ask(`${ROOT}/flunders`)).json()).toMatchObject({ code: 404 });
    expect((await api.ask(`/apis/${GROUP}`)).code).toBe(404);
  });
});
