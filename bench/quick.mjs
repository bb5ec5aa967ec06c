#!/usr/bin/env node
// Whether a change made a hot path dearer, in under three minutes: the API under 64 clients against an empty TLS handler, a bare append
// and a bare projection of the same run, so that the ratios mean something on any machine (docs/performance.md).
//
//   npm run bench:quick [-- --duration S --scenario A,B --clients N --json]
import { spawn, spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cluster, load } from './cluster.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: opt } = parseArgs({
  options: {
    duration: { type: 'string', default: '4' },
    clients: { type: 'string', default: '64' },
    scenario: { type: 'string', default: 'create-configmap,update-configmap,patch-configmap,get-configmap' },
    json: { type: 'boolean', default: false },
  },
});
const LISTS = /^list-/;

/** The empty handler, with the certificates and the sizes of answers of a cluster. */
async function startHandler(cluster) {
  const pki = (name) => path.join(process.env.DECKLOG_HOME ?? path.join(homedir(), '.decklog'), cluster.profile, 'pki', name);
  const args = [path.join(here, 'floor/handler.mjs'), '--ca', pki('ca.crt'), '--cert', pki('apiserver.crt'), '--key', pki('apiserver.key')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const port of createInterface({ input: child.stdout })) return { child, server: `https://127.0.0.1:${port}` };
  throw new Error('the empty handler did not start');
}

const options = (scenario) => ({
  scenario,
  concurrency: LISTS.test(scenario) ? 16 : opt.clients,
  duration: opt.duration,
});

const cluster = new Cluster(`quick${process.pid}`);
let handler;
try {
  const floors = spawnSync(process.execPath, [path.join(here, 'floor/log.mjs'), opt.duration], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { append, projection } = JSON.parse(floors.stdout);
  cluster.decklog('start', '--runtime', 'simulated', '--nodes', '1', '--proxy', 'userspace');
  handler = await startHandler(cluster);
  const pids = Object.fromEntries(cluster.components.map(({ name, pid }) => [name, pid]));
  const rows = [];
  for (const scenario of opt.scenario.split(',')) {
    const [empty] = load({ ...cluster.access, server: handler.server }, { handler: handler.child.pid }, options(scenario));
    const [own] = load(cluster.access, pids, options(scenario));
    for (const line of [empty, own])
      if (line === undefined || line.failed || line.errors > 0) throw new Error(`${scenario}: ${JSON.stringify(line)}`);
    rows.push({ scenario, empty, own });
  }
  if (opt.json) console.log(JSON.stringify({ append, projection, rows }));
  else print(append, projection, rows);
} finally {
  handler?.child.kill();
  cluster.delete();
}

function print(append, projection, rows) {
  const ms = (value) => value.toFixed(2);
  console.log(
    `bare append, 64 in flight: ${append.ops_s}/s, ${ms(append.process_ms)} ms of the process and ${ms(append.nats_ms)} ms of nats-server each`,
  );
  console.log(
    `bare projection: ${projection.events_s}/s, ${ms(projection.process_ms)} ms of the process, ${ms(projection.postgres_ms)} ms of Postgres, ${ms(projection.nats_ms)} ms of nats-server each\n`,
  );
  console.log(
    '| scenario | ops/s | of the empty handler | p50 ms | p99 ms | CPU ms | above the empty handler | by process |\n|---|--:|--:|--:|--:|--:|--:|---|',
  );
  for (const { scenario, empty, own } of rows) {
    const each = Object.entries(own.procs)
      .map(([name, { cpu_s }]) => [
        name,
        (cpu_s * own.server_cpu_ms_per_op) / Object.values(own.procs).reduce((sum, p) => sum + p.cpu_s, 0),
      ])
      .filter(([, cost]) => cost >= 0.005)
      .map(([name, cost]) => `${name} ${ms(cost)}`)
      .join(', ');
    const above = own.server_cpu_ms_per_op - empty.server_cpu_ms_per_op;
    console.log(
      `| ${scenario} | ${Math.round(own.ops_s)} | ${Math.round((100 * own.ops_s) / empty.ops_s)} % of ${Math.round(empty.ops_s)} | ${own.p50_ms} | ${own.p99_ms} | ${ms(own.server_cpu_ms_per_op)} | ${ms(above)} | ${each} |`,
    );
  }
}
