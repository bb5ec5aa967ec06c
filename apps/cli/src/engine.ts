import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';

import { aptInstall, aptPresent } from './apt.js';
import type { Runtime } from './cluster.js';
import { dockerVersion } from './docker.js';
import { Failure } from './failure.js';
import { withLock } from './lock.js';
import { until } from './polling.js';
import { lastLines } from './processes.js';
import { runningAsRoot } from './profile.js';
import { findProgram, run } from './run.js';
import type { Say } from './terminal.js';

/** What pods will run in; `why` says what stood in the way of containers when nobody asked to pretend. */
export interface Engine {
  readonly runtime: Runtime;
  readonly title: string;
  readonly why?: string;
}

const DOCKERD_LOG = '/var/log/decklog-dockerd.log';

/**
 * The container engine: Docker where it answers; as root it is started, and where apt is, installed first.
 * Asked for nothing in particular, a machine without containers gets simulated nodes.
 */
export async function ensureEngine(wanted: Runtime | undefined, say: Say): Promise<Engine> {
  if (wanted === 'simulated') return { runtime: 'simulated', title: 'Simulated nodes' };
  const answer = await dockerVersion();
  if ('version' in answer) return docker(answer.version);
  try {
    return docker(await withLock('engine', 'the container engine', 900_000, () => bringUp(answer, say)));
  } catch (error) {
    if (wanted === 'docker' || !(error instanceof Failure)) throw error;
    return { runtime: 'simulated', title: 'No container engine', why: error.message };
  }
}

function docker(version: string): Engine {
  return { runtime: 'docker', title: `Container engine: Docker ${version}` };
}

async function bringUp(before: { readonly why: string; readonly denied: boolean }, say: Say): Promise<string> {
  if (before.denied) {
    throw new Failure('Docker is there, but this user may not use it', [
      'Add the user to the group docker (`usermod -aG docker USER`, then log in again), or run as root.',
    ]);
  }
  if (!runningAsRoot()) {
    throw new Failure(`Docker does not answer (${before.why}), and only root may install or start it`, [
      'Start Docker, run this as root, or use --runtime=simulated.',
    ]);
  }
  if (findProgram('dockerd') === undefined) {
    if (!aptPresent()) throw new Failure('Docker is not installed, and there is no apt to install it with', ['Install Docker.']);
    say('installing docker.io with apt: the machine has no Docker (this changes the system, and can take a minute)');
    await aptInstall(['docker.io', 'iptables', 'nftables', 'iproute2', 'ca-certificates'], say);
  }
  return startDaemon(say);
}

async function startDaemon(say: Say): Promise<string> {
  const answering = async () => {
    const answer = await dockerVersion();
    return 'version' in answer ? answer.version : undefined;
  };
  const already = await answering();
  if (already !== undefined) return already;
  if (existsSync('/run/systemd/system')) {
    say('starting docker.service');
    await run('systemctl', ['start', 'docker.service'], { timeoutMs: 120_000 });
    return until(answering, { forMs: 60_000, everyMs: 200, what: 'Docker to answer' });
  }
  say(`starting dockerd (log: ${DOCKERD_LOG})`);
  const exited = startDetached();
  return until(answering, {
    forMs: 90_000,
    everyMs: 100,
    what: `Docker to answer (see ${DOCKERD_LOG})`,
    hopeless: () => (exited() ? new Failure(`dockerd ended: ${lastLines(DOCKERD_LOG, 3).join('\n')}`, [`See ${DOCKERD_LOG}.`]) : undefined),
  });
}

function startDetached(): () => boolean {
  const log = openSync(DOCKERD_LOG, 'a', 0o640);
  let ended = false;
  const child = spawn(findProgram('dockerd') ?? 'dockerd', [], { cwd: '/', detached: true, stdio: ['ignore', log, log] });
  child.once('error', () => (ended = true));
  child.once('exit', () => (ended = true));
  child.unref();
  closeSync(log);
  return () => ended;
}

/** Tools of the machine that real pods need; those missing are installed where root has apt. */
export async function ensureNetworkTools(say: Say): Promise<void> {
  const packages = [
    ['ip', 'iproute2'],
    ['iptables', 'iptables'],
    ['nft', 'nftables'],
  ].flatMap(([program = '', name = '']) => (findProgram(program) === undefined ? [name] : []));
  if (packages.length === 0 || !runningAsRoot() || !aptPresent()) return;
  say(`installing ${packages.join(', ')} with apt: the machine lacks them`);
  await withLock('engine', 'the container engine', 900_000, () => aptInstall(packages, say));
}
