import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppendWrite, EventMeta } from '#libs/log';
import { SILENT_LOGGER, type AppendTrace, type ReconcileTrace, type RequestTrace } from '#libs/runtime';
import { MetricsRegistry } from '../metrics/registry.js';
import { exportRequest } from './otlp.js';
import { appendSpans, idsOf, isSampled, parentOf, reconcileSpan, requestSpans } from './spans.js';
import { Tracer } from './tracer.js';

const ids = idsOf('c1');
const CLIENT = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const TRACEPARENT = `00-${CLIENT.traceId}-${CLIENT.spanId}-01`;

const write = (name: string, meta: Partial<EventMeta> = {}): AppendWrite => ({
  subject: `decklog.c1.state.core.pods.default.${name}`,
  expected: 0,
  meta: { type: 'Created', verb: 'create', actor: { user: 'me', groups: [] }, id: name, previous: 0, schema: 1, encoding: 'json', ...meta },
  body: new Uint8Array(),
});
const append = (writes: readonly AppendWrite[], first: number): AppendTrace => ({
  stream: 'state',
  writes,
  sequences: writes.map((_, i) => first + i),
  begin: 10,
  end: 12.5,
});
const request = (over: Partial<RequestTrace> = {}): RequestTrace => ({
  id: 'r1',
  verb: 'patch',
  group: 'apps',
  version: 'v1',
  resource: 'deployments',
  subresource: 'scale',
  namespace: 'default',
  name: 'web',
  code: 200,
  begin: 9,
  end: 13,
  ...over,
});
const reconcile: ReconcileTrace = {
  controller: 'replicaset',
  key: 'default/web',
  decidedAt: 99,
  cause: 'state:7',
  root: 'state:5',
  outcome: 'done',
  begin: 20,
  end: 21,
};

describe('ids of traces', () => {
  it('are the same in every process, and others in another cluster', () => {
    expect(ids.trace('state:5')).toBe(idsOf('c1').trace('state:5'));
    expect(ids.trace('state:5')).toMatch(/^[\da-f]{32}$/);
    expect(ids.event('state:5')).toMatch(/^[\da-f]{16}$/);
    const others = [idsOf('c2').trace('state:5'), ids.trace('lease:5'), ids.lone('state:5')];
    expect(new Set([ids.trace('state:5'), ...others]).size).toBe(4);
  });

  it.each([
    [0, 0],
    [1, 1_000],
  ])('are kept by a share of %s: %s of a thousand', (ratio, expected) => {
    const traces = Array.from({ length: 1_000 }, (_, i) => ids.trace(`state:${i}`));
    expect(traces.filter((id) => isSampled(id, ratio))).toHaveLength(expected);
  });

  it('are kept evenly by a share between', () => {
    const kept = Array.from({ length: 2_000 }, (_, i) => ids.trace(`state:${i}`)).filter((id) => isSampled(id, 0.25)).length;
    expect(kept).toBeGreaterThan(400);
    expect(kept).toBeLessThan(600);
  });
});

describe('a traceparent', () => {
  it.each<[string, string | undefined, ReturnType<typeof parentOf>]>([
    ['is read as W3C has it', TRACEPARENT, { ...CLIENT, isSampled: true }],
    ['says whether it is kept', TRACEPARENT.replace(/01$/, '00'), { ...CLIENT, isSampled: false }],
    ['may be absent', undefined, undefined],
    ['that is none is passed over', '00-xyz', undefined],
    ['of zeros is passed over', `00-${'0'.repeat(32)}-${CLIENT.spanId}-01`, undefined],
    ['of the forbidden version is passed over', `ff${TRACEPARENT.slice(2)}`, undefined],
  ])('%s', (_title, text, expected) => expect(parentOf(text)).toEqual(expected));
});

describe('spans', () => {
  it('of an append of a request are below the request, all in the trace of the first event', () => {
    const spans = appendSpans(ids, append([write('a', { requestId: 'r1' }), write('b', { requestId: 'r1', root: '~1', cause: '~1' })], 5));
    expect(spans.map(({ traceId, spanId, parentSpanId }) => [traceId, spanId, parentSpanId])).toEqual([
      [ids.trace('state:5'), ids.event('state:5'), ids.request('r1')],
      [ids.trace('state:5'), ids.event('state:6'), ids.request('r1')],
    ]);
    expect(spans[0]?.attributes).toMatchObject({ 'decklog.sequence': 5, 'decklog.root': 'state:5', 'k8s.object.name': 'a' });
  });

  it('of an append of a controller are below its decision, which is below the event that woke it', () => {
    const decision = {
      controller: 'replicaset',
      build: 'b',
      key: 'default/web',
      seen: { state: 7, lease: 0, event: 0 },
      decidedAt: 99,
      index: 0,
    };
    const [stored] = appendSpans(ids, append([write('a', { root: 'state:5', cause: 'state:7', decision })], 8));
    const decided = reconcileSpan(ids, reconcile);
    expect([stored?.traceId, stored?.parentSpanId]).toEqual([ids.trace('state:5'), decided?.spanId]);
    expect([decided?.traceId, decided?.parentSpanId]).toEqual([ids.trace('state:5'), ids.event('state:7')]);
  });

  it('of a decision that nobody’s event woke are none', () => {
    expect(reconcileSpan(ids, { controller: 'a', key: 'k', decidedAt: 1, outcome: 'done', begin: 0, end: 1 })).toBeUndefined();
  });

  it('of a request are in the trace of what it changed, below the event it answers to', () => {
    const [own, ...more] = requestSpans(ids, request(), { root: 'state:5', cause: 'state:7' });
    expect(own).toMatchObject({
      traceId: ids.trace('state:5'),
      parentSpanId: ids.event('state:7'),
      name: 'patch deployments/scale',
      kind: 'server',
    });
    expect(more).toEqual([]);
  });

  it('of a request that changes nothing are in a trace of their own, or in the client’s', () => {
    expect(requestSpans(ids, request(), undefined).map(({ traceId }) => traceId)).toEqual([ids.lone('r1')]);
    expect(requestSpans(ids, request({ traceparent: TRACEPARENT }), undefined)).toMatchObject([
      { traceId: CLIENT.traceId, parentSpanId: CLIENT.spanId, spanId: ids.request('r1') },
    ]);
  });

  it('of a client that has a trace of its own are in both, each pointing to the other', () => {
    const [own, theirs] = requestSpans(ids, request({ traceparent: TRACEPARENT }), { root: 'state:5' });
    expect(theirs).toMatchObject({ traceId: CLIENT.traceId, parentSpanId: CLIENT.spanId, links: [{ traceId: ids.trace('state:5') }] });
    expect(own).toMatchObject({ traceId: ids.trace('state:5'), links: [{ traceId: CLIENT.traceId }] });
    expect(own?.parentSpanId).toBeUndefined();
  });

  it('are errors where a request or a decision failed', () => {
    expect(requestSpans(ids, request({ code: 503 }), undefined)[0]?.isError).toBe(true);
    expect(requestSpans(ids, request({ code: 404 }), undefined)[0]?.isError).toBeUndefined();
    expect(reconcileSpan(ids, { ...reconcile, outcome: 'failed' })?.isError).toBe(true);
  });

  it('are written as OTLP has them in JSON', () => {
    const span = { traceId: 't', spanId: 's', name: 'n', kind: 'internal', begin: 1_700_000_000_000, end: 1_700_000_000_001.5 } as const;
    expect(exportRequest([{ ...span, attributes: { a: 'x', b: 3, none: '' } }], { 'service.name': 'decklog-x' })).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'decklog-x' } }] },
          scopeSpans: [
            {
              scope: { name: 'decklog' },
              spans: [
                {
                  traceId: 't',
                  spanId: 's',
                  name: 'n',
                  kind: 1,
                  startTimeUnixNano: '1700000000000000000',
                  endTimeUnixNano: '1700000000001500000',
                  attributes: [
                    { key: 'a', value: { stringValue: 'x' } },
                    { key: 'b', value: { intValue: '3' } },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe('a tracer', () => {
  const received: { readonly url: string | undefined; readonly key: unknown; readonly body: string }[] = [];
  let server: Server;
  let code = 200;
  beforeAll(async () => {
    server = createServer((asked, answer) => {
      let body = '';
      asked.on('data', (chunk: Buffer) => (body += chunk.toString()));
      asked.on('end', () => {
        received.push({ url: asked.url, key: asked.headers['x-key'], body });
        answer.writeHead(code).end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const tracer = (ratio: number, registry = new MetricsRegistry()) => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const who = { cluster: 'c1', service: 'apiserver', instance: 'apiserver-1', version: '0.1.0' };
    return new Tracer({ endpoint, headers: { 'x-key': 'k' }, ...who, ratio, metrics: registry, logger: SILENT_LOGGER });
  };

  it('sends a request with what it changed to the receiver’s path, in one trace', async () => {
    const one = tracer(1);
    one.appended(append([write('a', { requestId: 'r1' })], 5));
    one.requested(request());
    await one.close();
    const [{ url, key, body } = { url: '', key: '', body: '' }] = received;
    expect([url, key]).toEqual(['/v1/traces', 'k']);
    expect(new Set([...body.matchAll(/"traceId":"(\w+)"/g)].map(([, id]) => id))).toEqual(new Set([ids.trace('state:5')]));
    expect(body).toContain('"decklog-apiserver"');
  });

  it('keeps what its share says, and what a client asks for', async () => {
    received.length = 0;
    const none = tracer(0);
    none.appended(append([write('a', { requestId: 'r1' })], 5));
    none.requested(request());
    await none.flush();
    expect(received).toEqual([]);
    none.requested(request({ traceparent: TRACEPARENT }));
    await none.close();
    expect(received).toHaveLength(1);
  });

  it('counts what the receiver does not take, and goes on', async () => {
    const registry = new MetricsRegistry();
    const one = tracer(1, registry);
    code = 503;
    one.reconciled(reconcile);
    await one.flush();
    code = 200;
    one.reconciled(reconcile);
    await one.close();
    expect(registry.families()[0]?.series.map(({ labels, value }) => [labels[0], value])).toEqual([
      ['sent', 1],
      ['dropped', 1],
    ]);
  });
});
