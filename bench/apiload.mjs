#!/usr/bin/env node
// apiload: a load generator for any server that speaks the Kubernetes API. No dependencies.
// Usage, scenarios and the meaning of every figure: README.md beside this file.
//
// It speaks HTTP/1.1 over plain sockets with a small parser of its own, one request in flight per
// connection: node:https costs several times more CPU per request, which on a small machine would
// be taken from the server under test.

import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

const now = () => performance.now();
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// ---------------------------------------------------------------- arguments

const HELP = `apiload --server URL [--token T | --token-file F | --cert F --key F] [--ca F | --insecure]
  --scenario LIST     comma-separated, or 'standard' (all of them at their usual concurrencies):
      create-configmap update-configmap patch-configmap delete-configmap
      get-configmap get-configmap-rv0 list-configmap list-configmap-rv0 list-selector list-selector-rv0
      create-pod delete-pod watch schedule replicate fill idle ready
  --concurrency LIST  for the request scenarios (default 1,16,64)
  --duration S        seconds per measurement of a request scenario (default 8)
  --count N           at most N requests per measurement (default: no limit but the duration)
  --runs N            repeat each measurement, and print a median line after it (default 1)
  --warmup N          uncounted requests before each measurement (default 200)
  --workers N         processes to share the request scenarios' load (default 1)
  --objects N         objects that update/patch/get work on, and that delete deletes (default 1000; delete 4000)
  --list-size N       objects in the namespace that is listed (default 1000)
  --value-bytes N     bytes of data in a configmap (default 1024)
  --watchers LIST     default 1,100,500    --rate N writes/s (default 50)    --watch-count N (default 1000)
  --nodes N (100)  --pods N (1000)  --replicas N (1000)  --pod-concurrency N (16)
  --fill-configmaps N (10000)  --fill-pods N (1000)  --keep  (fill: leave the objects there)
  --pids a=PID,b=@FILE  also report CPU, memory and bytes written of these processes and their descendants
  --max-other CORES   repeat a measurement (at most --retries 2 times) during which processes that are neither
                      the client nor in --pids used more than that; its line is marked 'disturbed'
  --wait-quiet S      before each measurement wait (at most so long) until those others use less than --max-other
  --timeout S         bound for any one measurement (default 180)
  --settle MS         pause after each clean-up (default 1000)
  --no-leases         do not keep node leases (schedule, replicate)
  --since-ms MS       ready: epoch milliseconds from which to count
  --note TEXT         copied into every line`;

function parseArgs(argv) {
  const a = {};
  for (let i = 0; i < argv.length; i++) {
    const m = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argv[i]);
    if (!m) throw new Error(`unexpected argument ${argv[i]}`);
    const key = m[1];
    if (['insecure', 'keep', 'help', 'no-leases'].includes(key)) a[key] = true;
    else a[key] = m[2] ?? argv[++i];
  }
  return a;
}

const raw = parseArgs(process.argv.slice(2));
if (raw.help || !raw.server) {
  console.log(HELP);
  process.exit(raw.help ? 0 : 2);
}
const num = (k, d) => {
  if (raw[k] === undefined) return d;
  const v = Number(raw[k]);
  if (!Number.isFinite(v) || v < 0) throw new Error(`--${k}: not a number: ${raw[k]}`);
  return v;
};
const list = (k, d) => (raw[k] ?? d).split(',').filter(Boolean).map(Number);
const opt = {
  concurrency: list('concurrency', '1,16,64'),
  duration: num('duration', 8),
  count: num('count', Infinity),
  runs: num('runs', 1),
  warmup: num('warmup', 200),
  workers: num('workers', 1),
  objects: num('objects', 0),
  listSize: num('list-size', 1000),
  valueBytes: num('value-bytes', 1024),
  watchers: list('watchers', '1,100,500'),
  rate: num('rate', 50),
  watchCount: num('watch-count', 1000),
  nodes: num('nodes', 100),
  pods: num('pods', 1000),
  replicas: num('replicas', 1000),
  podConcurrency: num('pod-concurrency', 16),
  fillConfigmaps: num('fill-configmaps', 10000),
  fillPods: num('fill-pods', 1000),
  keep: !!raw.keep,
  leases: !raw['no-leases'],
  timeout: num('timeout', 180) * 1000,
  settle: num('settle', 1000),
  sinceMs: num('since-ms', 0),
  maxOther: num('max-other', Infinity),
  retries: num('retries', 2),
  waitQuiet: num('wait-quiet', 0) * 1000,
};

const url = new URL(raw.server);
const secure = url.protocol === 'https:';
const host = url.hostname.replace(/^\[|\]$/g, '');
const port = Number(url.port || (secure ? 443 : 80));
const token = raw.token ?? (raw['token-file'] ? readFileSync(raw['token-file'], 'utf8').trim() : undefined);
const secureContext = secure
  ? tls.createSecureContext({
      ca: raw.ca ? readFileSync(raw.ca) : undefined,
      cert: raw.cert ? readFileSync(raw.cert) : undefined,
      key: raw.key ? readFileSync(raw.key) : undefined,
    })
  : undefined;
const HEAD_TAIL =
  `Host: ${url.host}\r\nAccept: application/json\r\nUser-Agent: apiload\r\n` + (token ? `Authorization: Bearer ${token}\r\n` : '');

let stopping = false;

// ---------------------------------------------------------------- a small HTTP/1.1 client

const CRLF2 = Buffer.from('\r\n\r\n');
const LF = 10;

/** One connection, one request in flight. `onPiece` gets body bytes as they come (watches). */
class Conn {
  constructor() {
    this.sock = undefined;
    this.reset();
    this.bytesIn = 0;
  }

  reset() {
    this.state = 0; // 0 head, 1 body by length, 2 chunk size line, 3 chunk data, 4 chunk end, 5 trailer, 6 body until close
    this.left = 0;
    this.pend = undefined; // bytes of an incomplete head, size line or trailer
    this.status = 0;
    this.close = false;
    this.retryAfter = 0;
    this.parts = [];
    this.size = 0;
  }

  open() {
    return new Promise((resolve, reject) => {
      const ready = () => {
        s.setNoDelay(true);
        resolve(this);
      };
      const s = secure
        ? tls.connect(
            {
              host,
              port,
              secureContext,
              rejectUnauthorized: !raw.insecure,
              servername: net.isIP(host) ? '' : host,
              ALPNProtocols: ['http/1.1'],
            },
            ready,
          )
        : net.connect({ host, port }, ready);
      this.sock = s;
      s.on('data', (b) => this.feed(b));
      s.on('error', (e) => {
        reject(e);
        this.fail(e);
      });
      s.on('close', () => {
        if (this.state === 6) this.done();
        else this.fail(new Error('connection closed'));
      });
    });
  }

  /** Resolves to { status, body } (body a Buffer, or undefined when keep is false). */
  async request(method, path, body, type = 'application/json', keep = true) {
    if (!this.sock || this.sock.destroyed) {
      this.reset();
      await this.open();
    }
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.keep = keep;
      this.onPiece = undefined;
      this.sock.write(
        body === undefined
          ? `${method} ${path} HTTP/1.1\r\n${HEAD_TAIL}\r\n`
          : `${method} ${path} HTTP/1.1\r\n${HEAD_TAIL}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  }

  /** Opens a stream: resolves with the status when the head has come; pieces of the body go to onPiece. */
  async stream(path, onPiece, onEnd) {
    this.reset();
    await this.open();
    return new Promise((resolve, reject) => {
      this.resolve = onEnd;
      this.reject = (e) => {
        reject(e);
        onEnd(e);
      };
      this.keep = true;
      this.onPiece = onPiece;
      this.onHead = resolve;
      this.sock.write(`GET ${path} HTTP/1.1\r\n${HEAD_TAIL}\r\n`);
    });
  }

  destroy() {
    this.resolve = this.reject = undefined;
    this.sock?.destroy();
  }

  fail(e) {
    const r = this.reject;
    this.resolve = this.reject = undefined;
    this.sock?.destroy();
    r?.(e);
  }

  done() {
    const r = this.resolve;
    const out = {
      status: this.status,
      size: this.size,
      retryAfter: this.retryAfter,
      body: this.keep && !this.onPiece ? (this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts)) : undefined,
    };
    if (this.close) this.sock.destroy();
    this.reset();
    this.resolve = this.reject = undefined;
    r?.(out);
  }

  piece(b) {
    this.size += b.length;
    if (this.onPiece) this.onPiece(b);
    else if (this.keep) this.parts.push(b);
  }

  head(text) {
    this.status = Number(text.slice(9, 12));
    const lower = text.toLowerCase();
    const get = (n) => {
      const i = lower.indexOf(`\r\n${n}:`);
      if (i < 0) return undefined;
      const e = text.indexOf('\r\n', i + 2);
      return text.slice(i + n.length + 3, e < 0 ? undefined : e).trim();
    };
    if (lower.includes('\r\nconnection: close')) this.close = true;
    const ra = get('retry-after');
    if (ra) this.retryAfter = Number(ra) || 1;
    const te = get('transfer-encoding');
    if (this.status === 204 || this.status === 304 || this.status < 200) {
      this.state = 1;
      this.left = 0;
    } else if (te && te.toLowerCase().includes('chunked')) this.state = 2;
    else {
      const cl = get('content-length');
      if (cl === undefined) {
        this.state = 6;
        this.close = true;
      } else {
        this.state = 1;
        this.left = Number(cl);
      }
    }
    if (this.onHead) {
      this.onHead(this.status);
      this.onHead = undefined;
    }
  }

  feed(b) {
    this.bytesIn += b.length;
    if (this.pend) {
      b = Buffer.concat([this.pend, b]);
      this.pend = undefined;
    }
    let p = 0;
    for (;;) {
      switch (this.state) {
        case 0: {
          if (p >= b.length) return;
          const e = b.indexOf(CRLF2, p);
          if (e < 0) {
            this.pend = b.subarray(p);
            return;
          }
          this.head(b.latin1Slice(p, e));
          p = e + 4;
          if (this.status < 200) {
            this.state = 0;
            continue;
          }
          if (this.state === 1 && this.left === 0) {
            this.done();
            return;
          }
          break;
        }
        case 1: {
          if (p >= b.length) return;
          const n = Math.min(this.left, b.length - p);
          this.piece(p === 0 && n === b.length ? b : b.subarray(p, p + n));
          p += n;
          this.left -= n;
          if (this.left === 0) {
            this.done();
            return;
          }
          break;
        }
        case 2: {
          const e = b.indexOf(LF, p);
          if (e < 0) {
            if (p < b.length) this.pend = b.subarray(p);
            return;
          }
          this.left = parseInt(b.latin1Slice(p, e), 16);
          p = e + 1;
          this.state = this.left === 0 ? 5 : 3;
          break;
        }
        case 3: {
          if (p >= b.length) return;
          const n = Math.min(this.left, b.length - p);
          this.piece(b.subarray(p, p + n));
          p += n;
          this.left -= n;
          if (this.left === 0) this.state = 4;
          break;
        }
        case 4: {
          const e = b.indexOf(LF, p);
          if (e < 0) {
            if (p < b.length) this.pend = b.subarray(p);
            return;
          }
          p = e + 1;
          this.state = 2;
          break;
        }
        case 5: {
          const e = b.indexOf(LF, p);
          if (e < 0) {
            if (p < b.length) this.pend = b.subarray(p);
            return;
          }
          const blank = e - p <= 1;
          p = e + 1;
          if (blank) {
            this.done();
            return;
          }
          break;
        }
        default:
          if (p < b.length) this.piece(b.subarray(p));
          return;
      }
    }
  }
}

/** Connections for set-up, checks and clean-up. */
const idle = [];
async function call(method, path, body, type) {
  const c = idle.pop() ?? new Conn();
  for (let attempt = 0; ; attempt++) {
    try {
      const r = await c.request(
        method,
        path,
        body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
        type,
      );
      if (r.status === 429 && attempt < 20) {
        await sleep(1000 * (r.retryAfter || 1));
        continue;
      }
      idle.push(c);
      let json;
      try {
        json = JSON.parse(r.body.toString());
      } catch {}
      return { status: r.status, json };
    } catch (e) {
      if (attempt >= 2) throw e;
    }
  }
}
async function must(method, path, body, type) {
  const r = await call(method, path, body, type);
  if (r.status >= 300) throw new Error(`${method} ${path}: ${r.status} ${r.json?.message ?? ''}`);
  return r.json;
}
/** Runs fn(i) for i in [0, n) with at most c at a time. */
async function each(n, c, fn) {
  let i = 0;
  await Promise.all(
    Array.from({ length: Math.min(c, n) }, async () => {
      while (i < n && !stopping) await fn(i++);
    }),
  );
}

// ---------------------------------------------------------------- objects

const ID = process.env.APILOAD_ID ?? Date.now().toString(36) + randomBytes(2).toString('hex');
const values = Array.from({ length: 64 }, () =>
  randomBytes(Math.ceil(opt.valueBytes / 2))
    .toString('hex')
    .slice(0, opt.valueBytes),
);
const value = (i) => values[i & 63];
const nsPath = (ns, resource) => `/api/v1/namespaces/${ns}/${resource}`;
// `bucket` has list-size/10 values, so that a selector on one of them matches 10 of list-size objects.
const buckets = Math.max(1, Math.round(opt.listSize / 10));
const cmName = (i) => `cm-${String(i).padStart(7, '0')}`;
const configmap = (name, i, extra = '') =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}",${extra}"labels":{"app":"apiload","bucket":"b${i % buckets}"}},"data":{"value":"${value(i)}"}}`;

function podSpec(schedulerName) {
  return {
    ...(schedulerName ? { schedulerName } : {}),
    terminationGracePeriodSeconds: 30,
    containers: [
      {
        name: 'web',
        image: 'registry.example/team/web:1.4.2',
        imagePullPolicy: 'IfNotPresent',
        command: ['/usr/local/bin/web'],
        args: ['--listen=:8080', '--log-format=json', '--config=/etc/web/config.yaml'],
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
        env: [
          { name: 'LOG_LEVEL', value: 'info' },
          { name: 'REGION', value: 'eu-central-1' },
          { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
        readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 10, timeoutSeconds: 2 },
        livenessProbe: { httpGet: { path: '/live', port: 'http' }, initialDelaySeconds: 10, periodSeconds: 20 },
        volumeMounts: [{ name: 'scratch', mountPath: '/var/scratch' }],
      },
    ],
    volumes: [{ name: 'scratch', emptyDir: {} }],
  };
}
const NO_SCHEDULER = 'apiload-none'; // nothing schedules these: create-pod measures the API alone
const podTail = (scheduler) =>
  `,"labels":{"app":"apiload","tier":"web"},"annotations":{"apiload/run":"${ID}"}},"spec":${JSON.stringify(podSpec(scheduler))}}`;
const podTails = { none: podTail(NO_SCHEDULER), default: podTail('') };
const podBody = (name, kind) => `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"${name}"${podTails[kind]}`;

// ---------------------------------------------------------------- namespaces and clean-up

const live = new Set(); // namespaces that exist because of us
const liveNodes = new Set();
let nsSeq = 0;

async function makeNamespace() {
  const ns = `apiload-${ID}-${++nsSeq}`;
  await must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns, labels: { apiload: ID } } });
  live.add(ns);
  return ns;
}

/** Waits until a pod can be created (the default service account, and on old servers its token, must exist). */
async function waitForPods(ns) {
  const until = now() + 30000;
  for (;;) {
    const r = await call('POST', nsPath(ns, 'pods'), podBody('probe', 'none'));
    if (r.status === 201) break;
    if (now() > until) throw new Error(`no pod can be created in ${ns}: ${r.status} ${r.json?.message}`);
    await sleep(100);
  }
  await call('DELETE', `${nsPath(ns, 'pods')}/probe`, { gracePeriodSeconds: 0 });
}

const NOW0 = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Background' };

async function removeNamespace(ns) {
  const t0 = now();
  await call('DELETE', `/apis/apps/v1/namespaces/${ns}/deployments`, NOW0);
  await call('DELETE', `/apis/apps/v1/namespaces/${ns}/replicasets`, NOW0);
  await call('DELETE', nsPath(ns, 'pods'), NOW0);
  await call('DELETE', nsPath(ns, 'configmaps'), NOW0);
  await call('DELETE', `/api/v1/namespaces/${ns}`);
  const until = now() + 240000;
  let again = now() + 5000;
  while (now() < until) {
    const r = await call('GET', `/api/v1/namespaces/${ns}`);
    if (r.status === 404) {
      live.delete(ns);
      return now() - t0;
    }
    if (now() > again) {
      // a pod that a controller made after we deleted the rest
      await call('DELETE', nsPath(ns, 'pods'), NOW0);
      again = now() + 5000;
    }
    await sleep(100);
  }
  throw new Error(`namespace ${ns} is still there`);
}

async function cleanAll() {
  for (const ns of [...live]) await removeNamespace(ns).catch((e) => console.error(String(e)));
  await removeNodes().catch((e) => console.error(String(e)));
}

// ---------------------------------------------------------------- what the processes cost

const TICK = 100; // USER_HZ on Linux
const PAGE = 4096;

const watched = (raw.pids ?? '')
  .split(',')
  .filter(Boolean)
  .map((s) => {
    const i = s.indexOf('=');
    const v = s.slice(i + 1);
    return { name: s.slice(0, i), pid: () => Number(v.startsWith('@') ? readFileSync(v.slice(1), 'utf8').trim() : v) };
  });

function statOf(pid) {
  const s = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const f = s.slice(s.lastIndexOf(')') + 2).split(' ');
  return { ppid: Number(f[1]), cpu: (Number(f[11]) + Number(f[12])) / TICK, reaped: (Number(f[13]) + Number(f[14])) / TICK };
}

function sampleProcs() {
  const out = { machine: 0, steal: 0, procs: {} };
  try {
    const c = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0].trim().split(/\s+/).slice(1).map(Number);
    out.steal = (c[7] ?? 0) / TICK; // what the hypervisor gave to others
    out.machine = (c[0] + c[1] + c[2] + c[5] + c[6]) / TICK; // user nice system irq softirq
  } catch {}
  if (!watched.length) return out;
  const kids = new Map();
  for (const d of readdirSync('/proc')) {
    if (!/^\d+$/.test(d)) continue;
    try {
      const { ppid } = statOf(d);
      if (!kids.has(ppid)) kids.set(ppid, []);
      kids.get(ppid).push(Number(d));
    } catch {}
  }
  for (const w of watched) {
    const o = { cpu: 0, rss: 0, anon: 0, written: 0 };
    try {
      const todo = [w.pid()];
      while (todo.length) {
        const p = todo.pop();
        try {
          const s = statOf(p);
          o.cpu += s.cpu + s.reaped;
          // what several processes share (a database's buffers) counts once: Pss, where the kernel tells it
          let kb;
          try {
            const smaps = readFileSync(`/proc/${p}/smaps_rollup`, 'latin1');
            const field = (n) => Number(new RegExp(`^${n}:\\s+(\\d+)`, 'm').exec(smaps)?.[1] ?? 0);
            kb = field('Pss');
            o.anon += (field('Pss_Anon') + field('Pss_Shmem')) * 1024;
          } catch {}
          o.rss += kb ? kb * 1024 : Number(readFileSync(`/proc/${p}/statm`, 'latin1').split(' ')[1]) * PAGE;
          o.written += Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${p}/io`, 'latin1'))?.[1] ?? 0);
        } catch {}
        todo.push(...(kids.get(p) ?? []));
      }
    } catch {}
    out.procs[w.name] = o;
  }
  return out;
}

/** Waits until the processes that are not ours have used little for two seconds. */
async function quiet() {
  const until = now() + opt.waitQuiet;
  let calm = 0;
  while (calm < 4 && now() < until && !stopping) {
    const m = new Meter();
    await sleep(500);
    calm = (m.end().other_cores ?? 0) < Math.min(opt.maxOther, 0.2) ? calm + 1 : 0;
  }
}

let workerCpu = 0;
class Meter {
  constructor() {
    this.p = sampleProcs();
    this.c = process.cpuUsage();
    this.w = workerCpu;
    this.t = now();
  }
  end() {
    const secs = (now() - this.t) / 1000;
    const c = process.cpuUsage(this.c);
    const p = sampleProcs();
    const r2 = (x) => Math.round(x * 100) / 100;
    const client = (c.user + c.system) / 1e6 + (workerCpu - this.w);
    const out = {
      client_cores: r2(client / secs),
      machine_cores: r2((p.machine - this.p.machine) / secs),
      steal_cores: r2((p.steal - this.p.steal) / secs),
    };
    if (watched.length) {
      out.procs = {};
      let cpu = 0;
      for (const [n, b] of Object.entries(p.procs)) {
        const a = this.p.procs[n];
        const d = b.cpu - a.cpu;
        cpu += d;
        out.procs[n] = {
          cpu_s: r2(d),
          cores: r2(d / secs),
          mem_mb: Math.round(b.rss / 1048576),
          anon_mb: Math.round(b.anon / 1048576),
          written_mb: Math.round((b.written - a.written) / 104857.6) / 10,
        };
      }
      out.server_cpu_s = r2(cpu);
      out.server_cores = r2(cpu / secs);
      out.other_cores = r2(Math.max(0, (p.machine - this.p.machine - cpu - client) / secs));
    }
    return out;
  }
}

// ---------------------------------------------------------------- figures

class Samples {
  constructor() {
    this.a = new Float64Array(4096);
    this.n = 0;
  }
  add(x) {
    if (this.n === this.a.length) {
      const b = new Float64Array(this.n * 2);
      b.set(this.a);
      this.a = b;
    }
    this.a[this.n++] = x;
  }
  values() {
    return this.a.subarray(0, this.n);
  }
}
function quantiles(values, prefix = '') {
  const s = Float64Array.from(values).sort();
  const q = (p) => (s.length ? Math.round(s[Math.min(s.length - 1, Math.floor(p * s.length))] * 1000) / 1000 : null);
  return { [`${prefix}p50_ms`]: q(0.5), [`${prefix}p90_ms`]: q(0.9), [`${prefix}p99_ms`]: q(0.99), [`${prefix}max_ms`]: q(1) };
}
const round = (x, d = 1) => Math.round(x * 10 ** d) / 10 ** d;

function emit(line) {
  console.log(JSON.stringify(raw.note ? { ...line, note: raw.note } : line));
}

// ---------------------------------------------------------------- closed loops

/** What a connection sends next. Each gets (k, i, s): the connection's number, its i-th request, its state. */
function maker(job) {
  const { ns } = job;
  const cms = nsPath(ns, 'configmaps');
  const pods = nsPath(ns, 'pods');
  const step = job.total; // connections over all workers
  const own = (k, i) => {
    const n = Math.max(1, Math.floor((job.objects - k - 1) / step) + 1);
    return (k + step * (i % n)) % job.objects; // objects k, k+step, ... belong to connection k alone
  };
  switch (job.op) {
    case 'create-configmap':
      return (k, i) => {
        const x = k + step * i;
        const name = `${job.prefix}-${x}`;
        return ['POST', cms, configmap(name, x), 201];
      };
    case 'update-configmap':
      return (k, i, s) => {
        const x = own(k, i);
        s.x = x;
        const rv = (s.rv ??= new Map()).get(x) ?? job.rvs[x];
        return ['PUT', `${cms}/${cmName(x)}`, configmap(cmName(x), x + i + 1, `"resourceVersion":"${rv}",`), 200, 'application/json', true];
      };
    case 'patch-configmap':
      return (k, i) => {
        const x = own(k, i);
        return ['PATCH', `${cms}/${cmName(x)}`, `{"data":{"value":"${value(x + i + 1)}"}}`, 200, 'application/merge-patch+json'];
      };
    case 'get-configmap':
    case 'get-configmap-rv0': {
      const q = job.op.endsWith('rv0') ? '?resourceVersion=0' : '';
      return (k, i) => ['GET', `${cms}/${cmName((k + step * i) % job.objects)}${q}`, undefined, 200];
    }
    case 'list-configmap':
      return () => ['GET', cms, undefined, 200];
    case 'list-configmap-rv0':
      return () => ['GET', `${cms}?resourceVersion=0`, undefined, 200];
    case 'list-selector':
      return (k, i) => ['GET', `${cms}?labelSelector=bucket%3Db${(k + step * i) % buckets}`, undefined, 200];
    case 'list-selector-rv0':
      return (k, i) => ['GET', `${cms}?labelSelector=bucket%3Db${(k + step * i) % buckets}&resourceVersion=0`, undefined, 200];
    case 'create-pod':
      return (k, i) => ['POST', pods, podBody(`${job.prefix}-${k + step * i}`, 'none'), 201];
    case 'delete-configmap':
      return (k, i) => (k + step * i < job.objects ? ['DELETE', `${cms}/${cmName(k + step * i)}`, undefined, 200] : undefined);
    case 'delete-pod':
      return (k, i) =>
        k + step * i < job.objects ? ['DELETE', `${pods}/${cmName(k + step * i)}`, '{"gracePeriodSeconds":0}', 200] : undefined;
    default:
      throw new Error(`no such scenario: ${job.op}`);
  }
}

/** Runs `conns` connections, numbered from `first`, each with one request in flight. */
async function closedLoop(job) {
  const next = maker(job);
  const conns = await Promise.all(Array.from({ length: job.conns }, () => new Conn().open()));
  const lat = new Samples();
  const kinds = {};
  let errors = 0;
  let bytes = 0;
  let sent = 0;
  const cpu0 = process.cpuUsage();
  const t0 = now();
  const until = t0 + job.ms;
  let last = t0;
  await Promise.all(
    conns.map(async (c, n) => {
      const k = job.first + n;
      const state = {};
      for (let i = 0; !stopping; i++) {
        if (sent >= job.count) break;
        const t = now();
        if (t >= until) break;
        const r = next(k, i, state);
        if (!r) break;
        sent++;
        try {
          const res = await c.request(r[0], r[1], r[2], r[4], r[5] === true);
          const e = now();
          bytes += res.size;
          if (res.status === r[3]) {
            lat.add(e - t);
            last = e;
            if (r[5]) {
              const m = /"resourceVersion":\s*"(\d+)"/.exec(res.body.latin1Slice());
              state.rv.set(state.x, m?.[1]);
            }
          } else {
            errors++;
            kinds[res.status] = (kinds[res.status] ?? 0) + 1;
            if (res.status === 429) await sleep(1000 * (res.retryAfter || 1));
          }
        } catch (e) {
          errors++;
          const key = e.code ?? e.message;
          kinds[key] = (kinds[key] ?? 0) + 1;
          if (errors > 50 && lat.n === 0) break;
        }
      }
    }),
  );
  for (const c of conns) c.destroy();
  const cpu = process.cpuUsage(cpu0);
  return { lat: [...lat.values()], errors, kinds, bytes, ms: Math.max(1, last - t0), cpu: (cpu.user + cpu.system) / 1e6 };
}

/** The same, shared among --workers processes. */
async function runLoop(job) {
  if (opt.workers <= 1) return closedLoop({ ...job, conns: job.total, first: 0 });
  const w = Math.min(opt.workers, job.total);
  let first = 0;
  const parts = await Promise.all(
    Array.from({ length: w }, (_, i) => {
      const conns = Math.floor(job.total / w) + (i < job.total % w ? 1 : 0);
      const mine = { ...job, conns, first, count: job.count === null ? null : Math.ceil(job.count / w) };
      first += conns;
      return new Promise((resolve, reject) => {
        const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
          env: { ...process.env, APILOAD_ID: ID, APILOAD_WORKER: '1' },
          serialization: 'advanced',
        });
        child.once('message', (m) => (m.error ? reject(new Error(m.error)) : resolve(m)));
        child.once('exit', (code) => reject(new Error(`worker ended with ${code}`)));
        child.send(mine);
      });
    }),
  );
  const out = { lat: [], errors: 0, kinds: {}, bytes: 0, ms: 0, cpu: 0 };
  for (const p of parts) {
    for (const x of p.lat) out.lat.push(x);
    out.errors += p.errors;
    out.bytes += p.bytes;
    out.ms = Math.max(out.ms, p.ms);
    workerCpu += p.cpu;
    for (const [k, v] of Object.entries(p.kinds)) out.kinds[k] = (out.kinds[k] ?? 0) + v;
  }
  return out;
}

async function prepareLoop(op, ns) {
  const job = { op, ns, objects: 0, rvs: null };
  const isList = op.startsWith('list');
  if (op.endsWith('pod')) await waitForPods(ns);
  if (op === 'delete-pod') {
    job.objects = opt.objects || 2000;
    await each(job.objects, 16, (i) => must('POST', nsPath(ns, 'pods'), podBody(cmName(i), 'none')));
  } else if (!op.startsWith('create')) {
    job.objects = isList ? opt.listSize : opt.objects || (op.startsWith('delete') ? 4000 : 1000);
    job.rvs = new Array(job.objects);
    await each(job.objects, 16, async (i) => {
      const o = await must('POST', nsPath(ns, 'configmaps'), configmap(cmName(i), i));
      job.rvs[i] = o.metadata.resourceVersion;
    });
  }
  if (isList) {
    // the answer must be right before it is timed (resourceVersion=0 may lag: wait for it)
    const want = op.startsWith('list-selector') ? opt.listSize / buckets : opt.listSize;
    const rv0 = op.endsWith('rv0') ? 'resourceVersion=0' : '';
    const sel = op.startsWith('list-selector') ? 'labelSelector=bucket%3Db1' : '';
    let got;
    for (let i = 0; i < 50; i++) {
      got = (await must('GET', `${nsPath(ns, 'configmaps')}?${[sel, rv0].filter(Boolean).join('&')}`)).items.filter(
        (x) => x.metadata.labels?.app === 'apiload',
      ).length;
      if (got === want) break;
      await sleep(100);
    }
    if (got !== want) throw new Error(`${op}: ${got} items instead of ${want}`);
  }
  return job;
}

/** One line per concurrency and run of one request scenario. */
async function requestScenario(op, concurrencies) {
  // what only reads, or leaves the objects in place, shares one namespace
  const shared = /^(get|list|update|patch)/.test(op);
  let ns;
  let job;
  for (const c of concurrencies) {
    const lines = [];
    const budget = { left: opt.retries };
    let attempt = 0;
    for (let run = 1; run <= opt.runs && !stopping;) {
      attempt++;
      if (!ns) {
        ns = await makeNamespace();
        job = await prepareLoop(op, ns);
      }
      if (opt.warmup && !op.startsWith('delete')) {
        const warm = await closedLoop({ ...job, prefix: `w${attempt}-${c}`, total: c, conns: c, first: 0, count: opt.warmup, ms: 5000 });
        if (job.rvs && op.startsWith('update')) await refreshVersions(job);
        if (warm.lat.length === 0) throw new Error(`${op}: every warm-up request failed: ${JSON.stringify(warm.kinds)}`);
      }
      await quiet();
      const meter = new Meter();
      const r = await runLoop({
        ...job,
        prefix: `x${attempt}-${c}`,
        total: c,
        count: opt.count,
        ms: Math.min(opt.duration * 1000, opt.timeout),
      });
      const cost = meter.end();
      if (job.rvs && op.startsWith('update')) await refreshVersions(job);
      const n = r.lat.length;
      const line = {
        scenario: op,
        concurrency: c,
        run,
        ops: n,
        seconds: round(r.ms / 1000, 2),
        ops_s: round(n / (r.ms / 1000)),
        ...quantiles(r.lat),
        errors: r.errors,
        ...(r.errors ? { error_kinds: r.kinds } : {}),
        body_mb_s: round(r.bytes / 1048576 / (r.ms / 1000), 2),
        ...cost,
        ...(cost.server_cpu_s !== undefined && n ? { server_cpu_ms_per_op: round((cost.server_cpu_s * 1000) / n, 3) } : {}),
      };
      if (record(lines, line, budget)) run++;
      if (!shared) {
        await removeNamespace(ns);
        ns = undefined;
        await sleep(opt.settle);
      }
    }
    medians(lines);
    if (stopping) break;
  }
  if (ns) {
    await removeNamespace(ns);
    await sleep(opt.settle);
  }
}

async function refreshVersions(job) {
  const items = (await must('GET', nsPath(job.ns, 'configmaps'))).items;
  for (const o of items) {
    const m = /^cm-0*(\d+)$/.exec(o.metadata.name);
    if (m) job.rvs[Number(m[1])] = o.metadata.resourceVersion;
  }
}

/** Prints a measurement; false if it was disturbed and is to be repeated. */
function record(kept, line, budget) {
  const disturbed = line.other_cores !== undefined && line.other_cores > opt.maxOther;
  emit(disturbed ? { ...line, disturbed } : line);
  if (disturbed && budget.left-- > 0) return false;
  kept.push(line);
  return true;
}

/** After several runs: the median of each figure, and the spread of the main ones. */
function medians(lines) {
  if (lines.length < 2) return;
  const out = { median_of: lines.length };
  const mid = (xs) => {
    const s = [...xs].sort((a, b) => a - b);
    return s.length % 2 ? s[(s.length - 1) / 2] : round((s[s.length / 2 - 1] + s[s.length / 2]) / 2, 3);
  };
  for (const [k, v] of Object.entries(lines[0])) {
    if (k === 'run' || k === 'error_kinds') continue;
    if (typeof v === 'number') {
      const xs = lines.map((l) => l[k]).filter((x) => typeof x === 'number');
      out[k] = mid(xs);
      if (k === 'ops_s' || k === 'pods_s' || k === 'p99_ms') out[`${k}_range`] = [Math.min(...xs), Math.max(...xs)];
    } else if (k === 'procs') {
      out.procs = {};
      for (const p of Object.keys(v)) {
        out.procs[p] = {};
        for (const f of Object.keys(v[p])) out.procs[p][f] = mid(lines.map((l) => l.procs[p][f]));
      }
    } else out[k] = v;
  }
  emit(out);
}

// ---------------------------------------------------------------- watches

/** Splits a watch's body into lines; gives each line's Buffer. */
function lines(onLine) {
  let rest;
  return (b) => {
    let p = 0;
    if (rest) {
      b = Buffer.concat([rest, b]);
      rest = undefined;
    }
    for (;;) {
      const e = b.indexOf(LF, p);
      if (e < 0) {
        if (p < b.length) rest = b.subarray(p);
        return;
      }
      if (e > p) onLine(b, p, e);
      p = e + 1;
    }
  };
}

async function watchScenario(watchers) {
  const N = Math.min(opt.watchCount, Math.floor((opt.timeout / 1000 - 20) * opt.rate));
  const all = [];
  const budget = { left: opt.retries };
  for (let run = 1; run <= opt.runs && !stopping;) {
    const ns = await makeNamespace();
    const cms = nsPath(ns, 'configmaps');
    const rv = (await must('GET', cms)).metadata.resourceVersion;
    const recv = new Float64Array(watchers * N).fill(NaN);
    const upto = new Float64Array(watchers).fill(-1);
    let got = 0;
    let disorder = 0;
    let twice = 0;
    let ended = 0;
    const MARK = Buffer.from('"name":"w-');
    const RV = Buffer.from('"resourceVersion":"');
    const number = (b, q) => {
      let i = 0;
      for (; b[q] >= 48 && b[q] <= 57; q++) i = i * 10 + b[q] - 48;
      return i;
    };
    const conns = [];
    const tConn = now();
    await each(watchers, 25, async (w) => {
      const c = new Conn();
      conns.push(c);
      const status = await c.stream(
        `${cms}?watch=true&resourceVersion=${rv}&timeoutSeconds=3600`,
        lines((b, p, e) => {
          const m = b.indexOf(MARK, p);
          if (m < 0 || m > e) return;
          const i = number(b, m + MARK.length);
          const at = w * N + i;
          if (!Number.isNaN(recv[at])) {
            twice++;
            return;
          }
          recv[at] = now();
          const v = b.indexOf(RV, p);
          const version = v < 0 || v > e ? Infinity : number(b, v + RV.length);
          if (version <= upto[w]) disorder++;
          else upto[w] = version;
          got++;
        }),
        () => ended++,
      );
      if (status !== 200) throw new Error(`watch: ${status}`);
    });
    const connectMs = now() - tConn;
    const start = new Float64Array(N);
    const resp = new Float64Array(N).fill(NaN);
    const pool = await Promise.all(Array.from({ length: 8 }, () => new Conn().open()));
    const free = [...pool];
    let errors = 0;
    let late = 0;
    await quiet();
    const meter = new Meter();
    const t0 = now();
    const pending = [];
    for (let i = 0; i < N && !stopping; i++) {
      const due = t0 + (i * 1000) / opt.rate;
      const wait = due - now();
      if (wait > 1) await sleep(wait);
      else if (wait < -20) late++;
      while (!free.length) await sleep(1);
      const c = free.pop();
      start[i] = now();
      pending.push(
        c.request('POST', cms, configmap(`w-${i}`, i), 'application/json', false).then(
          (r) => {
            resp[i] = now();
            if (r.status !== 201) errors++;
            free.push(c);
          },
          () => {
            errors++;
            free.push(c);
          },
        ),
      );
    }
    await Promise.all(pending);
    const tWritten = now();
    const until = now() + 30000;
    while (got < watchers * (N - errors) && now() < until && ended === 0 && !stopping) await sleep(5);
    const drain = now() - tWritten;
    const cost = meter.end();
    for (const c of [...conns, ...pool]) c.destroy();
    const fromStart = new Samples();
    const fromResp = new Samples();
    const toLast = new Samples();
    for (let i = 0; i < N; i++) {
      let max = 0;
      for (let w = 0; w < watchers; w++) {
        const t = recv[w * N + i];
        if (Number.isNaN(t)) continue;
        fromStart.add(t - start[i]);
        fromResp.add(t - resp[i]);
        if (t > max) max = t;
      }
      if (max) toLast.add(max - start[i]);
    }
    const line = {
      scenario: 'watch',
      watchers,
      rate: opt.rate,
      run,
      writes: N,
      seconds: round((tWritten - t0) / 1000, 2),
      deliveries: got,
      missing: watchers * (N - errors) - got,
      twice,
      out_of_order: disorder,
      watches_ended: ended,
      errors,
      late_writes: late,
      deliveries_s: round(got / ((tWritten - t0 + drain) / 1000)),
      connect_ms: round(connectMs),
      drain_ms: round(drain),
      ...quantiles(fromStart.values()),
      ...quantiles(fromResp.values(), 'after_response_'),
      ...quantiles(toLast.values(), 'last_watcher_'),
      ...quantiles(
        resp.map((x, i) => x - start[i]).filter((x) => !Number.isNaN(x)),
        'write_',
      ),
      ...cost,
    };
    if (record(all, line, budget)) run++;
    await removeNamespace(ns);
    await sleep(opt.settle);
  }
  medians(all);
}

// ---------------------------------------------------------------- nodes, scheduling, replication

const nodeName = (i) => `apiload-${ID}-node-${i}`;
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
let heart;

const readyConditions = () => {
  const t = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const c = (type, status, reason) => ({ type, status, reason, message: reason, lastHeartbeatTime: t, lastTransitionTime: t });
  return [
    c('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
    c('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
    c('PIDPressure', 'False', 'KubeletHasSufficientPID'),
    c('Ready', 'True', 'KubeletReady'),
  ];
};

async function makeNodes(n) {
  if (liveNodes.size >= n) return;
  const cap = { cpu: '32', memory: '128Gi', pods: '110', 'ephemeral-storage': '200Gi' };
  await each(n, 8, async (i) => {
    const name = nodeName(i);
    const labels = {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'topology.kubernetes.io/zone': `zone-${i % 3}`,
      apiload: ID,
    };
    await must('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} });
    liveNodes.add(name);
    await must(
      'PATCH',
      `/api/v1/nodes/${name}/status`,
      { status: { capacity: cap, allocatable: cap, conditions: readyConditions(), addresses: [{ type: 'Hostname', address: name }] } },
      'application/merge-patch+json',
    );
  });
  if (opt.leases) {
    const micro = () => new Date().toISOString().replace('Z', '000Z');
    const probe = await call('GET', '/api/v1/namespaces/kube-node-lease');
    if (probe.status === 200) {
      await each(n, 8, async (i) => {
        await must('POST', leasePath, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: nodeName(i) },
          spec: { holderIdentity: nodeName(i), leaseDurationSeconds: 40, renewTime: micro() },
        });
      });
      // as the nodes' agents do: each renews once in 10 s, spread over the time
      let i = 0;
      heart = setInterval(() => {
        call('PATCH', `${leasePath}/${nodeName(i++ % n)}`, { spec: { renewTime: micro() } }, 'application/merge-patch+json').catch(
          () => {},
        );
      }, 10000 / n);
    }
  }
  // a server may taint a new node until a controller has seen that it is ready
  const until = now() + 30000;
  let asked = false;
  for (;;) {
    const items = (await must('GET', `/api/v1/nodes?labelSelector=apiload%3D${ID}`)).items;
    const tainted = items.filter((x) => x.spec.taints?.length);
    if (items.length === n && !tainted.length) break;
    if (now() > until) {
      if (asked) throw new Error(`${tainted.length} nodes keep their taints`);
      asked = true;
      for (const t of tainted)
        await call('PATCH', `/api/v1/nodes/${t.metadata.name}`, { spec: { taints: null } }, 'application/merge-patch+json');
    }
    await sleep(200);
  }
}

async function removeNodes() {
  clearInterval(heart);
  const names = [...liveNodes];
  await each(names.length, 8, async (i) => {
    await call('DELETE', `/api/v1/nodes/${names[i]}`);
    if (opt.leases) await call('DELETE', `${leasePath}/${names[i]}`);
    liveNodes.delete(names[i]);
  });
}

/** Watches a namespace's pods: when each was first seen, and when it first had a node. */
async function watchPods(ns) {
  const seen = new Map();
  const bound = new Map();
  const rv = (await must('GET', nsPath(ns, 'pods'))).metadata.resourceVersion;
  const c = new Conn();
  const w = { seen, bound, events: 0, ended: false, close: () => c.destroy(), lastSeen: 0, lastBound: 0 };
  const status = await c.stream(
    `${nsPath(ns, 'pods')}?watch=true&resourceVersion=${rv}&timeoutSeconds=3600`,
    lines((b, p, e) => {
      const t = now();
      const ev = JSON.parse(b.toString('utf8', p, e));
      w.events++;
      if (ev.type !== 'ADDED' && ev.type !== 'MODIFIED') return;
      const name = ev.object.metadata.name;
      if (!seen.has(name)) {
        seen.set(name, t);
        w.lastSeen = t;
      }
      if (ev.object.spec.nodeName && !bound.has(name)) {
        bound.set(name, t);
        w.lastBound = t;
      }
    }),
    () => (w.ended = true),
  );
  if (status !== 200) throw new Error(`watch pods: ${status}`);
  return w;
}

async function scheduleScenario() {
  const all = [];
  const budget = { left: opt.retries };
  await makeNodes(opt.nodes);
  for (let run = 1; run <= opt.runs && !stopping;) {
    const ns = await makeNamespace();
    await waitForPods(ns);
    const w = await watchPods(ns);
    const n = opt.pods;
    const resp = new Float64Array(n);
    let errors = 0;
    await quiet();
    const meter = new Meter();
    const t0 = now();
    await each(n, opt.podConcurrency, async (i) => {
      const r = await call('POST', nsPath(ns, 'pods'), podBody(`p-${i}`, 'default'));
      resp[i] = now();
      if (r.status !== 201) errors++;
    });
    const created = now() - t0;
    const until = t0 + opt.timeout;
    while (w.bound.size < n - errors && now() < until && !w.ended && !stopping) await sleep(5);
    const cost = meter.end();
    w.close();
    const total = w.lastBound - t0;
    const wait = [];
    for (const [name, t] of w.bound) wait.push(t - resp[Number(name.slice(2))]);
    const perNode = new Map();
    for (const p of (await must('GET', nsPath(ns, 'pods'))).items)
      if (p.spec.nodeName) perNode.set(p.spec.nodeName, (perNode.get(p.spec.nodeName) ?? 0) + 1);
    const line = {
      scenario: 'schedule',
      nodes: opt.nodes,
      pods: n,
      create_concurrency: opt.podConcurrency,
      run,
      errors,
      bound: w.bound.size,
      created_ms: round(created),
      all_bound_ms: round(total),
      pods_s: round(w.bound.size / (total / 1000)),
      ...quantiles(wait, 'create_to_bound_'),
      nodes_used: perNode.size,
      pods_per_node_max: Math.max(0, ...perNode.values()),
      watch_events: w.events,
      ...cost,
    };
    if (record(all, line, budget)) run++;
    await removeNamespace(ns);
    await sleep(opt.settle);
  }
  medians(all);
}

async function replicateScenario() {
  const all = [];
  const budget = { left: opt.retries };
  await makeNodes(opt.nodes);
  for (let run = 1; run <= opt.runs && !stopping;) {
    const ns = await makeNamespace();
    await waitForPods(ns);
    const w = await watchPods(ns);
    const n = opt.replicas;
    const spec = podSpec('');
    const labels = { app: 'apiload', tier: 'web' };
    await quiet();
    const meter = new Meter();
    const t0 = now();
    await must('POST', `/apis/apps/v1/namespaces/${ns}/deployments`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels },
      spec: { replicas: n, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    const until = t0 + opt.timeout;
    while (w.bound.size < n && now() < until && !w.ended && !stopping) await sleep(5);
    const cost = meter.end();
    w.close();
    const line = {
      scenario: 'replicate',
      nodes: opt.nodes,
      replicas: n,
      run,
      errors: 0,
      pods: w.seen.size,
      bound: w.bound.size,
      all_exist_ms: round(w.lastSeen - t0),
      all_bound_ms: round(w.lastBound - t0),
      pods_s: round(w.seen.size / ((w.lastSeen - t0) / 1000)),
      bound_s: round(w.bound.size / ((w.lastBound - t0) / 1000)),
      watch_events: w.events,
      ...cost,
    };
    if (record(all, line, budget)) run++;
    await removeNamespace(ns);
    await sleep(opt.settle);
  }
  medians(all);
}

// ---------------------------------------------------------------- memory, idleness, start

async function fillScenario() {
  const ns = await makeNamespace();
  await waitForPods(ns);
  const meter = new Meter();
  const t0 = now();
  let errors = 0;
  await each(opt.fillConfigmaps, 16, async (i) => {
    if ((await call('POST', nsPath(ns, 'configmaps'), configmap(cmName(i), i))).status !== 201) errors++;
  });
  await each(opt.fillPods, 16, async (i) => {
    if ((await call('POST', nsPath(ns, 'pods'), podBody(cmName(i), 'none'))).status !== 201) errors++;
  });
  emit({
    scenario: 'fill',
    namespace: ns,
    configmaps: opt.fillConfigmaps,
    pods: opt.fillPods,
    errors,
    seconds: round((now() - t0) / 1000, 2),
    ...meter.end(),
  });
  if (opt.keep) live.delete(ns);
  else await removeNamespace(ns);
}

async function idleScenario() {
  const meter = new Meter();
  const until = now() + opt.duration * 1000;
  while (now() < until && !stopping) await sleep(200);
  emit({ scenario: 'idle', seconds: opt.duration, ...meter.end() });
}

async function readyScenario() {
  const t0 = opt.sinceMs || Date.now();
  const until = now() + opt.timeout;
  while (now() < until) {
    try {
      const r = await new Conn().request('GET', '/readyz');
      if (r.status === 200) {
        emit({ scenario: 'ready', ms: Date.now() - t0 });
        return;
      }
    } catch {}
    await sleep(10);
  }
  throw new Error('not ready in time');
}

// ---------------------------------------------------------------- main

async function main() {
  const names = (raw.scenario ?? '').split(',').filter(Boolean);
  if (!names.length) throw new Error('no --scenario; see --help');
  process.on('SIGINT', () => (stopping ? process.exit(130) : (stopping = true)));
  process.on('SIGTERM', () => (stopping = true));
  const plan = names.flatMap((n) =>
    n === 'standard'
      ? [
          'create-configmap',
          'update-configmap',
          'patch-configmap',
          'delete-configmap',
          'get-configmap',
          'get-configmap-rv0',
          'list-configmap',
          'list-configmap-rv0',
          'list-selector',
          'list-selector-rv0',
          'create-pod',
          'delete-pod',
          'watch',
          'schedule',
          'replicate',
        ]
      : [n],
  );
  let failed = 0;
  try {
    for (const n of plan) {
      if (stopping) break;
      try {
        if (n === 'watch') for (const w of opt.watchers) await watchScenario(w);
        else if (n === 'schedule') await scheduleScenario();
        else if (n === 'replicate') await replicateScenario();
        else if (n === 'fill') await fillScenario();
        else if (n === 'idle') await idleScenario();
        else if (n === 'ready') await readyScenario();
        else await requestScenario(n, n.startsWith('list-configmap') && !raw.concurrency ? [1, 4, 16] : opt.concurrency);
      } catch (e) {
        failed++;
        emit({ scenario: n, failed: String(e?.message ?? e) });
        for (const ns of [...live]) await removeNamespace(ns).catch((x) => console.error(String(x)));
      }
    }
  } finally {
    await cleanAll();
    for (const c of idle) c.destroy();
  }
  process.exit(failed || stopping ? 1 : 0);
}

if (process.env.APILOAD_WORKER) {
  process.once('message', (job) => {
    closedLoop(job).then(
      (r) => process.send(r, () => process.exit(0)),
      (e) => process.send({ error: String(e) }, () => process.exit(1)),
    );
  });
} else {
  main().catch((e) => {
    console.error(e);
    process.exit(1);
  });
}
