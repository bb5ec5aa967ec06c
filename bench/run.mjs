#!/usr/bin/env node
// The figures of a whole cluster on this machine, as JSON lines: time to start, time from a Deployment to a Ready
// pod, what an idle cluster uses, and the API under load (apiload.mjs), with the ratio to the real Kubernetes where one
// is known (measured on 2 cores: bench/README.md).
//
//   node bench/run.mjs [--profile NAME] [--duration S] [--runs N] [--only start,ready,idle,api] [--keep]
import { parseArgs } from 'node:util';
import { busyboxImage } from '../tools/images.mjs';
import { Cluster, load, median, usage } from './cluster.mjs';

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
const cluster = new Cluster(opt.profile);
const print = (line) => console.log(JSON.stringify(line));

/** ops/s of the real Kubernetes at 64 clients, its audit log on for writes: the peer of a system that always keeps history. */
const PEER = { 'create-configmap': 1195, 'get-configmap': 2835 };

function measureStart() {
  const seconds = [];
  for (let run = 0; run < Number(opt.runs); run++) {
    if (run > 0) cluster.decklog('delete');
    const began = performance.now();
    cluster.decklog('start');
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
    cluster.kubectl('create', 'deployment', `ready-${run}`, '--image=decklog-bench/web:1');
    cluster.kubectl('wait', '--for=condition=Available', `deployment/ready-${run}`, '--timeout=60s');
    seconds.push((performance.now() - began) / 1000);
  }
  cluster.kubectl('delete', 'deployment', '--all');
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

function measureApi(components) {
  const pids = Object.fromEntries(components.map(({ name, pid }) => [name, pid]));
  const scenario = Object.keys(PEER).join(',');
  for (const line of load(cluster.access, pids, { scenario, concurrency: 64, duration: opt.duration, runs: opt.runs })) {
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
  else cluster.decklog('start');
  const { components } = cluster;
  if (wanted.has('ready')) measureReady();
  if (wanted.has('idle')) await measureIdle(components.map(({ pid }) => pid));
  if (wanted.has('api')) measureApi(components);
} finally {
  if (!opt.keep) cluster.delete();
}
