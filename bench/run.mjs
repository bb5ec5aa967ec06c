#!/usr/bin/env node
// The figures of a whole cluster on this machine, as JSON lines: time to start, time from a Deployment to a Ready
// pod, what an idle cluster uses, and the API under load (apiload.mjs), with the ratio to the real Kubernetes where one
// is known (measured on 2 cores: bench/README.md).
//
//   node bench/run.mjs [--profile NAME] [--duration S] [--runs N] [--only start,ready,idle,api] [--keep]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busyboxImage } from '../tools/images.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const launcher = path.join(here, '../decklog');
const { values: opt } = parseArgs({
  options: {
    profile: { type: 'string', default: `bench${process.pid}` },
    duration: { type: 'string', default: '8' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: 'start,ready,idle,api' },
    keep: { type: 'boolean', default: false },
  },
});
const wanted = new Set(opt.only.split(','));
const home = mkdtempSync(path.join(tmpdir(), 'decklog-bench-'));
const kubeconfig = path.join(home, 'kubeconfig');
const env = { ...process.env, KUBECONFIG: kubeconfig };
const decklog = (...args) =>
  execFileSync(launcher, ['-p', opt.profile, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const kubectl = (...args) => decklog('kubectl', '--', ...args);
const print = (line) => console.log(JSON.stringify(line));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** ops/s of the real Kubernetes at 64 clients, its audit log on for writes: the peer of a system that always keeps history. */
const PEER = { 'create-configmap': 1195, 'get-configmap': 2835 };

/** User and system seconds, and proportional memory in MiB, of a process and its descendants. */
function usage(pids) {
  const parents = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      parents.set(Number(entry), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      continue;
    }
  }
  const family = new Set(pids);
  for (let grew = true; grew;) {
    grew = false;
    for (const [pid, { parent }] of parents) if (family.has(parent) && !family.has(pid)) (family.add(pid), (grew = true));
  }
  let ticks = 0;
  let kib = 0;
  for (const pid of family) {
    ticks += parents.get(pid)?.ticks ?? 0;
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      continue;
    }
  }
  return { cpuSeconds: ticks / 100, mib: kib / 1024 };
}

function measureStart() {
  const seconds = [];
  for (let run = 0; run < Number(opt.runs); run++) {
    if (run > 0) decklog('delete');
    const began = performance.now();
    decklog('start');
    seconds.push((performance.now() - began) / 1000);
  }
  print({
    figure: 'start',
    unit: 's',
    median: Number(median(seconds).toFixed(2)),
    runs: seconds.map((s) => Number(s.toFixed(2))),
    aim: 10,
  });
}

function measureReady() {
  busyboxImage('decklog-bench/web:1', ['CMD ["/bin/httpd","-f","-p","8080"]']);
  const seconds = [];
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    kubectl('create', 'deployment', `ready-${run}`, '--image=decklog-bench/web:1');
    kubectl('wait', '--for=condition=Available', `deployment/ready-${run}`, '--timeout=60s');
    seconds.push((performance.now() - began) / 1000);
  }
  kubectl('delete', 'deployment', '--all');
  print({
    figure: 'deployment to Ready pod',
    unit: 's',
    median: Number(median(seconds).toFixed(2)),
    runs: seconds.map((s) => Number(s.toFixed(2))),
    aim: 2,
  });
}

async function measureIdle(pids) {
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const before = usage(pids);
  const seconds = 30;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = usage(pids);
  print({
    figure: 'idle',
    cores: Number(((after.cpuSeconds - before.cpuSeconds) / seconds).toFixed(3)),
    mib: Math.round(after.mib),
    aim: { cores: 0.05, mib: 600 },
  });
}

function measureApi(pids) {
  const config = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json'));
  const cluster = config.clusters.find(({ name }) => name === opt.profile).cluster;
  const user = config.users.find(({ name }) => name === opt.profile)?.user ?? config.users[0].user;
  const file = (name, data, fallback) => {
    if (!data) return fallback;
    writeFileSync(path.join(home, name), Buffer.from(data, 'base64'), { mode: 0o600 });
    return path.join(home, name);
  };
  const args = [
    path.join(here, 'apiload.mjs'),
    '--server',
    cluster.server,
    '--ca',
    file('ca.crt', cluster['certificate-authority-data'], cluster['certificate-authority']),
    '--cert',
    file('admin.crt', user['client-certificate-data'], user['client-certificate']),
    '--key',
    file('admin.key', user['client-key-data'], user['client-key']),
    '--scenario',
    Object.keys(PEER).join(','),
    '--concurrency',
    '64',
    '--duration',
    opt.duration,
    '--runs',
    opt.runs,
    '--pids',
    pids.map(({ name, pid }) => `${name}=${pid}`).join(','),
  ];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64 << 20 });
  for (const line of stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text))) {
    if (!line.median_of && Number(opt.runs) > 1) continue;
    const { scenario, concurrency, ops_s, p50_ms, p99_ms, server_cpu_ms_per_op, errors } = line;
    print({
      figure: scenario,
      clients: concurrency,
      ops_s,
      p50_ms,
      p99_ms,
      server_cpu_ms_per_op,
      errors,
      timesPeer: Number((ops_s / PEER[scenario]).toFixed(2)),
    });
  }
}

try {
  if (wanted.has('start')) measureStart();
  else decklog('start');
  const { components } = JSON.parse(decklog('status', '-o', 'json'));
  if (wanted.has('ready')) measureReady();
  if (wanted.has('idle')) await measureIdle(components.map(({ pid }) => pid).filter(Boolean));
  if (wanted.has('api')) measureApi(components.filter(({ pid }) => pid));
} finally {
  if (!opt.keep) {
    spawnSync(launcher, ['-p', opt.profile, 'delete'], { env, stdio: 'ignore' });
    rmSync(home, { recursive: true, force: true });
  }
}
