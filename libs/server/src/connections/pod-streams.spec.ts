import { request as httpsRequest, createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, testAuthority, type TestApiServer, type TestAnswer } from '#libs/testing';
import { containerOf, logParams } from './pod-streams.js';

const pod = (name: string, spec: object): KubeObject & { spec: object } => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name, namespace: 'a', uid: `uid-${name}` },
  spec,
});

describe('the container that is meant', () => {
  const two = { initContainers: [{ name: 'init' }], containers: [{ name: 'one' }, { name: 'two' }] };
  it.each([
    ['', { containers: [{ name: 'one' }] }, 'one'],
    ['init', two, 'init'],
    ['', two, 'a container name must be specified for pod p, choose one of: [init one two]'],
    ['three', two, 'container three is not valid for pod p'],
    ['', { containers: [] }, 'a container name must be specified for pod p'],
  ])('"%s" of %j: %s', (wanted, spec, answer) => {
    let said: string;
    try {
      said = containerOf(pod('p', spec) as never, wanted);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toBe(answer);
  });
});

describe('what is asked of a log', () => {
  it.each([
    ['follow=true&tailLines=5&timestamps=1&sinceSeconds=3', 'follow=true&timestamps=true&tailLines=5&sinceSeconds=3'],
    ['previous=true&limitBytes=10&sinceTime=2026-01-01T00:00:00Z', 'previous=true&limitBytes=10&sinceTime=2026-01-01T00%3A00%3A00Z'],
    ['tailLines=-1', 'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['sinceSeconds=0', 'PodLogOptions "" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'],
  ])('%s: %s', (query, answer) => {
    let said: string;
    try {
      said = logParams(new URLSearchParams(query)).toString();
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toBe(answer);
  });
});

describe('the way to a pod', () => {
  let api: TestApiServer;
  let kubelet: Server;
  const seen: { url: string; headers: IncomingMessage['headers']; client: string; method: string }[] = [];

  beforeAll(async () => {
    const authority = await testAuthority();
    const serving = await authority.issue('kubelet', { addresses: ['127.0.0.1'] });
    const client = await authority.issue('apiserver-kubelet-client');
    const note = (request: IncomingMessage): void => {
      const { CN = '' } = (request.socket as TLSSocket).getPeerCertificate().subject;
      seen.push({ url: request.url ?? '', headers: request.headers, client: String(CN), method: request.method ?? '' });
    };
    kubelet = createServer({ ...serving, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      note(request);
      if (request.url?.includes('/none')) {
        response.writeHead(400).end('container "none" in pod "p" is waiting to start: ContainerCreating');
      } else if (request.url?.startsWith('/containerLogs/')) {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.write('one\n');
        if (!request.url.includes('follow=true')) response.end('two\n');
      } else if (request.url?.startsWith('/exec/')) response.writeHead(403).end('no');
      else request.pipe(response.writeHead(200, { 'x-echo': 'yes' }));
    });
    kubelet.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      note(request);
      if (request.url?.includes('refuse=1')) {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
        return;
      }
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4\r\n\r\nhello ',
      );
      if (head.length > 0) socket.write(head);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
    api = await startTestApiServer({ options: { kubelet: { ...client, ca: authority.cert } } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
    };
    await api.put({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'n' }, status } as KubeObject);
    await api.put({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'bare' } });
    await api.put({
      kind: 'Node',
      apiVersion: 'v1',
      metadata: { name: 'dead' },
      status: { ...status, daemonEndpoints: { kubeletEndpoint: { Port: 1 } } },
    } as KubeObject);
    const containers = [{ name: 'c' }];
    await api.put(pod('p', { nodeName: 'n', containers: [{ name: 'c' }, { name: 'none' }] }));
    await api.put(pod('waiting', { containers }));
    await api.put(pod('lost', { nodeName: 'gone', containers }));
    await api.put(pod('bare', { nodeName: 'bare', containers }));
    await api.put(pod('dead', { nodeName: 'dead', containers }));
  });
  afterAll(async () => {
    await api.close();
    kubelet.closeAllConnections();
    await new Promise((resolve) => kubelet.close(resolve));
  });
  beforeEach(() => seen.splice(0));

  /** Asks to change protocols; resolves with what the connection says first, or with the refusal. */
  const upgrade = (path: string, method = 'POST', say = ''): Promise<{ code: number; text: string; headers: IncomingMessage['headers'] }> =>
    new Promise((resolve, reject) => {
      const asked = httpsRequest({
        host: '127.0.0.1',
        port: api.server.port,
        path,
        method,
        ca: api.authority.cert,
        cert: api.admin.cert,
        key: api.admin.key,
        agent: false,
        headers: {
          connection: 'Upgrade',
          upgrade: 'SPDY/3.1',
          'x-stream-protocol-version': 'v4.channel.k8s.io',
          authorization: 'Bearer secret',
          cookie: 'a=b',
        },
      });
      asked.once('error', reject);
      asked.once('upgrade', (answer, socket, head) => {
        let text = head.toString();
        socket.write(say);
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        const done = (): void => {
          if (!text.endsWith(say)) return void socket.once('data', () => setImmediate(done));
          socket.destroy();
          resolve({ code: answer.statusCode ?? 0, text, headers: answer.headers });
        };
        done();
      });
      asked.once('response', (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text, headers: answer.headers }));
      });
      asked.end();
    });
  const PODS = '/api/v1/namespaces/a/pods';

  it("brings a log as the kubelet gives it, asked with the server's own certificate", async () => {
    const answer = await api.ask(`${PODS}/p/log?container=c&tailLines=2`, { headers: { authorization: 'Bearer x' } });
    expect([answer.code, answer.headers['content-type'], answer.text]).toEqual([200, 'text/plain', 'one\ntwo\n']);
    expect(seen).toEqual([expect.objectContaining({ url: '/containerLogs/a/p/c?tailLines=2', client: 'apiserver-kubelet-client' })]);
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it.each<[path: string, code: number, said: string]>([
    ['p/log', 400, 'a container name must be specified for pod p, choose one of: [c none]'],
    ['p/log?container=none', 400, 'container "none" in pod "p" is waiting to start: ContainerCreating'],
    ['absent/log', 404, 'pods "absent" not found'],
    ['lost/log', 404, 'nodes "gone" not found'],
    ['bare/log', 500, 'no preferred addresses found; known addresses: []'],
    ['dead/log', 500, 'connect: connection refused'],
    ['waiting/exec?command=ls', 400, 'pod waiting does not have a host assigned'],
    ['p/exec?command=ls&container=c', 400, 'Upgrade request required'],
  ])('refuses %s with %d', async (path, code, said) => {
    const answer: TestAnswer = await api.ask(`${PODS}/${path}`);
    expect([answer.code, answer.json()['message']]).toEqual([code, expect.stringContaining(said)]);
  });

  it('gives an empty log of a pod that is nowhere yet', async () => {
    const answer = await api.ask(`${PODS}/waiting/log`);
    expect([answer.code, answer.text]).toEqual([200, '']);
  });

  it.each([
    [
      'exec?container=c&stdin=true&stdout=true&tty=true&command=sh&command=-c&command=a%20b',
      '/exec/a/p/c?input=1&output=1&tty=1&command=sh&command=-c&command=a+b',
    ],
    ['attach?container=c&stdout=true&stderr=true', '/attach/a/p/c?output=1&error=1'],
    ['portforward?ports=80', '/portForward/a/p?port=80'],
  ])("splices %s with the kubelet, without the client's credentials", async (path, url) => {
    const answer = await upgrade(`${PODS}/p/${path}`, 'POST', 'ping');
    expect([answer.code, answer.text, answer.headers['x-stream-protocol-version']]).toEqual([101, 'hello ping', 'v4']);
    expect(seen).toEqual([expect.objectContaining({ url, method: 'POST', client: 'apiserver-kubelet-client' })]);
    expect(seen[0]?.headers).toMatchObject({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' });
    expect([seen[0]?.headers.authorization, seen[0]?.headers.cookie]).toEqual([undefined, undefined]);
  });

  it("passes a kubelet's refusal on and ends the connection, so that nothing more reaches the kubelet on it", async () => {
    const answer = await upgrade('/api/v1/nodes/n/proxy/exec?refuse=1');
    expect([answer.code, answer.text, answer.headers.connection]).toEqual([403, 'no', 'close']);
  });

  it.each([
    [`${PODS}/absent/exec?command=ls`, 404, 'pods \\"absent\\" not found'],
    [`${PODS}/dead/exec?command=ls`, 500, 'error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused'],
    [`${PODS}`, 400, 'this endpoint does not change protocols'],
  ])('answers an upgrade of %s with %d', async (path, code, said) => {
    const answer = await upgrade(path);
    expect([answer.code, answer.text]).toEqual([code, expect.stringContaining(said)]);
  });

  it('passes requests on to a node', async () => {
    const answer = await api.ask('/api/v1/nodes/n/proxy/stats/summary?only=cpu', { method: 'POST', body: { a: 1 } });
    expect([answer.code, answer.text, answer.headers['x-echo']]).toEqual([200, '{"a":1}', 'yes']);
    expect(seen[0]?.url).toBe('/stats/summary?only=cpu');
  });

  it('ends with the server, which does not wait for who still follows a log', async () => {
    const following = await api.open(`${PODS}/p/log?container=c&follow=true`);
    const closed = new Promise<void>((resolve) => following.once('close', () => resolve()));
    await new Promise((resolve) => following.once('data', resolve));
    following.on('error', () => undefined).resume();
    await api.server.close();
    await closed;
    expect([following.complete, api.logged]).toEqual([false, []]);
  });
});
