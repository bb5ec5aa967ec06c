import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { eventually, TestCluster } from '../cluster.js';

jest.setTimeout(180_000);

/** A span, as an OTLP receiver gets it. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly service: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'service' | 'attributes'> & { readonly attributes: readonly Attribute[] })[];
    }[];
  }[];
}

const valuesOf = (attributes: readonly Attribute[]): Readonly<Record<string, string>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']));

const spansIn = (text: string): readonly Span[] =>
  (JSON.parse(text) as Exported).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        service: valuesOf(resource.attributes)['service.name'] ?? '',
        attributes: valuesOf(span.attributes),
      })),
    ),
  );

/** What is wrong with a text of Prometheus' format, in the manner of `promtool check metrics`. */
function faultsIn(text: string): readonly string[] {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type] as const));
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help] as const));
  const seen = new Set<string>();
  const faults: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, sample = '', labels = '', value = ''] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
    if (sample === '') faults.push(`no sample: ${line}`);
    if (seen.has(`${sample}{${labels}}`)) faults.push(`twice: ${line}`);
    seen.add(`${sample}{${labels}}`);
    const family = types.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(family) || (helps.get(family) ?? '') === '') faults.push(`no type or help: ${sample}`);
    if (Number.isNaN(Number(value.replace('+Inf', 'Infinity')))) faults.push(`no number: ${line}`);
    if (types.get(family) === 'counter' && Number(value) < 0) faults.push(`a counter below 0: ${line}`);
  }
  return faults;
}

describe('a cluster that is looked at', () => {
  const spans: Span[] = [];
  let receiver: Server;
  let cluster: TestCluster;
  let probes: Readonly<Record<string, number>>;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        spans.push(...spansIn(body));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    cluster = new TestCluster();
    const started = await cluster.decklog(['start', '--runtime', 'simulated', '--layout', 'apart'], {
      timeoutMs: 170_000,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    });
    if (started.code !== 0) throw new Error(`${started.out}${started.err}`);
    const { folder } = JSON.parse((await cluster.decklog(['status', '-o', 'json'])).out) as { folder: string };
    const file = JSON.parse(readFileSync(path.join(folder, 'cluster.json'), 'utf8')) as { ports: { probes: Record<string, number> } };
    const running = new Set((await cluster.components()).map(({ name }) => name));
    probes = Object.fromEntries(Object.entries(file.ports.probes).filter(([name]) => running.has(name)));
    await cluster.kubectl('create deployment web --image=web:1 --replicas=1');
    await cluster.kubectl('rollout status deployment/web --timeout=60s');
  });
  afterAll(async () => {
    await cluster?.delete();
    receiver.closeAllConnections();
    receiver.close();
  });

  it('shows a scale as one trace, from the request through each controller to what the node says', async () => {
    await cluster.kubectl('scale deployment web --replicas=2');
    await cluster.kubectl('rollout status deployment/web --timeout=60s');
    const wanted = [
      'patch deployments/scale',
      'append Updated deployments',
      'reconcile deployment-controller',
      'append Updated replicasets',
      'reconcile replicaset-controller',
      'append Created pods',
      'reconcile default-scheduler',
      'append Updated pods',
    ];
    const trace = await eventually('the whole trace', async () => {
      const root = spans.find(({ name }) => name === 'patch deployments/scale');
      const all = spans.filter(({ traceId }) => traceId === root?.traceId);
      const names = new Set(all.map(({ name }) => name));
      const isNodes = ({ name, attributes }: Span): boolean =>
        name.endsWith('pods/status') && attributes['enduser.id']?.startsWith('system:node:') === true;
      return root && wanted.every((name) => names.has(name)) && all.some(isNodes) ? all : undefined;
    });
    const ids = new Set(trace.map(({ spanId }) => spanId));
    const roots = trace.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(roots.map(({ name }) => name)).toEqual(['patch deployments/scale']);
    expect(trace.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId)).map(({ name }) => name)).toEqual([]);
    const services = ['decklog-apiserver', 'decklog-replication', 'decklog-scheduler'];
    expect([...new Set(trace.map(({ service }) => service))]).toEqual(expect.arrayContaining(services));
  });

  it.each([
    ['apiserver', 'apiserver_request_total'],
    ['apiserver', 'apiserver_resource_objects'],
    ['replication', 'workqueue_depth'],
    ['scheduler', 'scheduler_pending_pods'],
    ['projector', 'decklog_projection_lag_events'],
    ['lifecycle', 'decklog_log_append_duration_seconds'],
  ])('has metrics of the %s, %s among them, that Prometheus takes as they are', async (component, wanted) => {
    const text = await eventually(wanted, async () => {
      const answer = await fetch(`http://127.0.0.1:${probes[component]}/metrics`);
      const body = await answer.text();
      return body.includes(`# TYPE ${wanted} `) && body;
    });
    expect(faultsIn(text)).toEqual([]);
    expect(text).not.toMatch(/="web-/);
  });

  it('serves the metrics of its API server to who may get them', async () => {
    expect(faultsIn(await cluster.kubectl('get --raw /metrics'))).toEqual([]);
  });

  it('says in its status of each process that it is ready, and how far the projection is', async () => {
    const status = await eventually('a projection without lag', async () => {
      const { details } = JSON.parse((await cluster.decklog(['status', '-o', 'json'])).out) as {
        details: {
          processes: readonly { component: string; ready?: boolean; problems: readonly string[]; version?: string }[];
          projections: readonly { stream: string; lagEvents?: number }[];
          log: readonly { stream: string }[];
        };
      };
      return details.projections.length === 3 && details.projections.every(({ lagEvents }) => lagEvents === 0) && details;
    });
    expect(status.processes.map(({ component, ready, problems }) => [component, ready, problems])).toEqual(
      Object.keys(probes).map((component) => [component, true, []]),
    );
    expect(status.processes.every(({ version }) => version === 'v0.1.0')).toBe(true);
    expect(status.log.map(({ stream }) => stream)).toEqual(expect.arrayContaining(['state', 'lease', 'event']));
  });
});
