#!/usr/bin/env node
// What costs grow with: one cluster is filled further and further with config maps of 1 KiB, and measured at each size. One line of JSON
// for each size; `--svg FOLDER` draws the curves of lines that were kept before.
//
//   node bench/growth.mjs [--sizes 1000,10000,100000] > growth.jsonl
//   node bench/growth.mjs --svg docs/performance --from growth.jsonl
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster, load, median, usage } from './cluster.mjs';
import { curve } from './curve.mjs';

const { values: opt } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000' },
    svg: { type: 'string' },
    from: { type: 'string' },
  },
});

/** What is drawn: the file, its title, and the figure of a line. */
const CURVES = [
  ['creates', 'creates a second, 64 clients', ({ creates_s }) => creates_s],
  ['get', 'get, ms (median, one client)', ({ get_ms }) => get_ms],
  ['list', 'list page of 500, ms (median, one client)', ({ list_ms }) => list_ms],
  ['watch', 'from the request until a watcher has the event, ms (median)', ({ watch_ms }) => watch_ms],
  ['memory', 'memory of all processes, MiB', ({ mib }) => mib],
  ['start', 'start with this store, s', ({ start_s }) => start_s],
];

async function measure() {
  const cluster = new Cluster(`growth${process.pid}`);
  try {
    cluster.decklog('start', '--runtime', 'simulated', '--nodes', '1', '--proxy', 'userspace');
    let filled = 0;
    for (const size of opt.sizes.split(',').map(Number)) {
      const pids = Object.fromEntries(cluster.components.map(({ name, pid }) => [name, pid]));
      const [fill] = load(cluster.access, pids, { scenario: 'fill', 'fill-configmaps': size - filled, 'fill-pods': 0, keep: true });
      filled = size;
      const client = new Client(cluster.access);
      const [created] = load(cluster.access, pids, { scenario: 'create-configmap', concurrency: 64, duration: 5 });
      const line = {
        objects: size,
        creates_s: Math.round(created.ops_s),
        create_cpu_ms: created.server_cpu_ms_per_op,
        ...(await latencies(client, fill.namespace)),
      };
      client.close();
      line.mib = Math.round(usage(Object.values(pids)).mib);
      cluster.decklog('stop');
      const began = performance.now();
      cluster.decklog('start');
      line.start_s = Number(((performance.now() - began) / 1_000).toFixed(2));
      console.log(JSON.stringify(line));
    }
  } finally {
    cluster.delete();
  }
}

/** One client that does one thing after the other. */
async function latencies(client, namespace) {
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  const { items } = await client.ask('GET', `${maps}?limit=500`);
  const times = async (count, one) => {
    const all = [];
    for (let i = 0; i < count; i++) {
      const began = performance.now();
      await one(i);
      all.push(performance.now() - began);
    }
    return Number(median(all).toFixed(2));
  };
  const get_ms = await times(300, (i) => client.ask('GET', `${maps}/${items[i % items.length].metadata.name}`));
  const list_ms = await times(30, () => client.ask('GET', `${maps}?limit=500`));
  const seen = new Map();
  const stop = await client.watch(`${maps}?watch=1&labelSelector=watched`, (name) => seen.get(name)?.());
  const watch_ms = await times(200, async (i) => {
    const name = `watched-${Date.now()}-${i}`;
    const came = new Promise((resolve) => seen.set(name, resolve));
    await client.ask('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { watched: '' } } });
    await came;
  });
  stop();
  return { get_ms, list_ms, watch_ms };
}

class Client {
  constructor({ server, ca, cert, key }) {
    this.server = server;
    this.agent = new Agent({ keepAlive: true, ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) });
  }

  send(method, target, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request(
        `${this.server}${target}`,
        { method, agent: this.agent, headers: text ? { 'content-type': 'application/json' } : {} },
        resolve,
      );
      asked.on('error', reject);
      asked.end(text);
    });
  }

  async ask(method, target, body) {
    const response = await this.send(method, target, body);
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (response.statusCode >= 300) throw new Error(`${method} ${target}: ${text}`);
    return JSON.parse(text);
  }

  /** Tells of each object by its name; returns how to end. */
  async watch(target, tell) {
    const response = await this.send('GET', target);
    let rest = '';
    response.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) tell(JSON.parse(line).object.metadata?.name);
    });
    response.on('error', () => undefined);
    return () => response.destroy();
  }

  close() {
    this.agent.destroy();
  }
}

if (opt.svg !== undefined) {
  const lines = readFileSync(opt.from, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  mkdirSync(opt.svg, { recursive: true });
  for (const [name, title, figure] of CURVES) {
    const points = lines.map((line) => [line.objects, figure(line)]).filter(([, value]) => value !== undefined);
    writeFileSync(path.join(opt.svg, `${name}.svg`), curve(title, 'objects in the store', points));
  }
} else await measure();
