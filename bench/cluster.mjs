// A cluster of its own for a measurement: started with the launcher, reached as its administrator, and what its processes use.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const launcher = path.join(here, '../decklog');
const LOAD = path.join(here, 'apiload.mjs');

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** User and system seconds, and proportional memory in MiB, of processes and their descendants. */
export function usage(pids) {
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

/** A profile that is the measurement's own. */
export class Cluster {
  constructor(profile) {
    this.profile = profile;
    this.home = mkdtempSync(path.join(tmpdir(), 'decklog-bench-'));
    this.env = { ...process.env, KUBECONFIG: path.join(this.home, 'kubeconfig') };
  }

  decklog(...args) {
    const options = { env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
    return execFileSync(launcher, ['-p', this.profile, ...args], options);
  }

  kubectl(...args) {
    return this.decklog('kubectl', '--', ...args);
  }

  /** Its processes: name and pid of each. */
  get components() {
    return JSON.parse(this.decklog('status', '-o', 'json')).components.filter(({ pid }) => pid);
  }

  /** Where it is, and files with an administrator's credentials. */
  get access() {
    if (this.found) return this.found;
    const config = JSON.parse(this.kubectl('config', 'view', '--raw', '-o', 'json'));
    const cluster = config.clusters.find(({ name }) => name === this.profile).cluster;
    const user = config.users.find(({ name }) => name === this.profile)?.user ?? config.users[0].user;
    const file = (name, data, fallback) => {
      if (!data) return fallback;
      writeFileSync(path.join(this.home, name), Buffer.from(data, 'base64'), { mode: 0o600 });
      return path.join(this.home, name);
    };
    this.found = {
      server: cluster.server,
      ca: file('ca.crt', cluster['certificate-authority-data'], cluster['certificate-authority']),
      cert: file('admin.crt', user['client-certificate-data'], user['client-certificate']),
      key: file('admin.key', user['client-key-data'], user['client-key']),
    };
    return this.found;
  }

  delete() {
    spawnSync(launcher, ['-p', this.profile, 'delete'], { env: this.env, stdio: 'ignore' });
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Runs apiload and gives the lines it prints; `pids`: of the processes whose use is counted, by name. */
export function load({ server, ca, cert, key }, pids, options) {
  const watched = Object.entries(pids).map(([name, pid]) => `${name}=${pid}`);
  const args = ['--server', server, '--ca', ca, '--cert', cert, '--key', key, '--pids', watched.join(',')];
  for (const [name, value] of Object.entries(options)) args.push(`--${name}`, ...(value === true ? [] : [String(value)]));
  const output = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64 << 20 };
  const { stdout } = spawnSync(process.execPath, [LOAD, ...args], output);
  return stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text));
}
