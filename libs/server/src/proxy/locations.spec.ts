import type { EndpointSlice, Pod, Service } from '#libs/api';
import { isProxyable, podLocation, proxiedName, serviceLocation, type Location } from './locations.js';
import { pathsOf } from './object-proxy.js';
import { rewrittenHtml, rewrittenUrl } from './rewriting.js';

const said = (ask: () => Location): string => {
  try {
    const { secure, host, port } = ask();
    return `${secure ? 'https' : 'http'}://${host}:${port}`;
  } catch (error) {
    return (error as Error).message;
  }
};
const named = (id: string) => {
  const found = proxiedName(id);
  if (!found) throw new Error(`no name: ${id}`);
  return found;
};

describe('what is proxied to', () => {
  it.each([
    ['a', { secure: false, name: 'a', port: '' }],
    ['a:80', { secure: false, name: 'a', port: '80' }],
    ['https:a:web', { secure: true, name: 'a', port: 'web' }],
    [':a:', { secure: false, name: 'a', port: '' }],
    ['ftp:a:80', undefined],
    ['a:b:c:d', undefined],
    [':80', undefined],
  ])('is named by %s', (id, wanted) => {
    expect(proxiedName(id)).toEqual(wanted);
  });

  const pod = (podIP: string | undefined, ports: readonly object[]): Pod =>
    ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'a' }, { name: 'b', ports }] }, status: { podIP } }) as unknown as Pod;
  it.each([
    ['p', '10.0.0.1', [{ containerPort: 8080 }], 'http://10.0.0.1:8080'],
    ['p', '10.0.0.1', [], 'http://10.0.0.1:80'],
    ['https:p:', '10.0.0.1', [], 'https://10.0.0.1:443'],
    ['p:9000', '10.0.0.1', [{ containerPort: 8080 }], 'http://10.0.0.1:9000'],
    ['p:web', '10.0.0.1', [], 'invalid pod request "p:web"'],
    ['p', undefined, [], 'address not allowed'],
    ['p', '127.0.0.1', [], 'address not allowed'],
    ['p', '169.254.169.254', [], 'address not allowed'],
  ])('a pod %s at %s with ports %j: %s', (id, ip, ports, wanted) => {
    expect(said(() => podLocation(pod(ip, ports), named(id), isProxyable))).toBe(wanted);
  });

  const service = {
    metadata: { name: 's' },
    spec: {
      ports: [
        { name: 'web', port: 80 },
        { name: 'admin', port: 81 },
      ],
    },
  } as unknown as Service;
  const slice = (addresses: readonly string[], ready = true): EndpointSlice =>
    ({
      ports: [
        { name: 'web', port: 8080 },
        { name: 'admin', port: 8081 },
      ],
      endpoints: [{ addresses, conditions: { ready } }],
    }) as unknown as EndpointSlice;
  it.each([
    ['s:web', [slice(['10.0.0.1'])], 0, 'http://10.0.0.1:8080'],
    ['s:81', [slice(['10.0.0.1'])], 0, 'http://10.0.0.1:8081'],
    ['https:s:web', [slice(['10.0.0.1']), slice(['10.0.0.2'])], 0.9, 'https://10.0.0.2:8080'],
    ['s', [slice(['10.0.0.1'])], 0, 'no endpoints available for service "s"'],
    ['s:82', [slice(['10.0.0.1'])], 0, 'no service port 82 found for service "s"'],
    ['s:web', [slice(['10.0.0.1'], false)], 0, 'no endpoints available for service "s"'],
    ['s:web', [slice(['127.0.0.1'])], 0, 'address not allowed'],
  ])('a Service %s', (id, slices, draw, wanted) => {
    expect(said(() => serviceLocation(service, slices, named(id), isProxyable, draw))).toBe(wanted);
  });
});

describe('a proxied path', () => {
  it.each([
    ['/api/v1/namespaces/a/pods/p/proxy', '', ''],
    ['/api/v1/namespaces/a/pods/p/proxy/', '/', ''],
    ['/api/v1/namespaces/a/pods/p/proxy/x%2Fy/?z=1', '/x%2Fy/', '?z=1'],
  ])('%s keeps what follows as it was written', (target, path, query) => {
    expect(pathsOf(target, 7)).toEqual({ prefix: '/api/v1/namespaces/a/pods/p/proxy', path, query });
  });
});

describe('links of a proxied page', () => {
  const rewriting = { prefix: '/proxy', hosts: ['10.0.0.1:80', 'api:6443'] };
  it.each([
    ['/x', '/proxy/x'],
    ['/', '/proxy/'],
    ['/proxy/x', '/proxy/x'],
    ['x/y', 'x/y'],
    ['#part', '#part'],
    ['http://10.0.0.1:80/x?y#z', '/proxy/x?y#z'],
    ['//api:6443/x', '/proxy/x'],
    ['https://example.com/x', 'https://example.com/x'],
    ['mailto:a@example.com', 'mailto:a@example.com'],
  ])('%s becomes %s', (url, wanted) => {
    expect(rewrittenUrl(url, rewriting)).toBe(wanted);
  });

  it.each([
    ['<a href="/x">y</a>', '<a href="/proxy/x">y</a>'],
    ['<IMG SRC=\'/x\' alt="/x">', '<IMG SRC=\'/proxy/x\' alt="/x">'],
    ['<form action=/x>', '<form action="/proxy/x">'],
    ['<p title="/x">/x</p>', '<p title="/x">/x</p>'],
    ['<a title=">" href="/x">', '<a title=">" href="/proxy/x">'],
    ['<a href="/x', '<a href="/x'],
    ['a < b <', 'a < b <'],
  ])('%s becomes %s', (html, wanted) => {
    expect(rewrittenHtml(html, rewriting)).toBe(wanted);
  });

  it('are found in one pass over whatever a page holds', () => {
    const started = performance.now();
    for (const hostile of ['<a "', "<a href='", '<', '<a href="/x" ']) rewrittenHtml(hostile.repeat(200_000), rewriting);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
