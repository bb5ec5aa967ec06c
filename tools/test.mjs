#!/usr/bin/env node
// `npm test`: every tier, on a fresh clone too. Installs what is missing (packages, the build, the container
// engine, nats-server, kubectl), says what it does, runs the tiers one after the other, and ends on a line
// `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const TIERS = ['unit', 'int', 'e2e'];

function say(text) {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs a command with its output shown; exits with its code when it fails. */
function must(what, command, args, options = {}) {
  say(what);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (status === 0) return;
  process.stderr.write(`${what}: failed${error ? `: ${error.message}` : ` with ${status}`}\n`);
  process.stdout.write('\n0 passed, 1 failed\n');
  process.exit(1);
}

/** Whether a Docker daemon answers. */
const dockerAnswers = () => spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore' }).status === 0;

/** Ends the daemon that this run started: nothing of it is left running. */
function stopDocker() {
  if (!existsSync('/var/run/docker.pid')) return;
  say('stopping the container engine that was started for the tests');
  const pid = Number(readFileSync('/var/run/docker.pid', 'utf8'));
  process.kill(pid, 'SIGTERM');
  const gone = Date.now() + 30_000;
  while (existsSync(`/proc/${pid}`) && Date.now() < gone) spawnSync('sleep', ['0.1']);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node 20.19 or newer is needed; this is ${process.versions.node}\n`);
  process.exit(1);
}
const dockerRan = dockerAnswers();
// The launcher installs the packages and builds; `prepare` fetches servers and starts a container engine.
must('preparing: packages, build, container engine, nats-server, kubectl', path.join(root, 'decklog'), ['prepare']);

const out = mkdtempSync(path.join(tmpdir(), 'decklog-test-'));
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  for (const tier of process.argv.length > 2 ? process.argv.slice(2) : TIERS) {
    say(`tier ${tier}`);
    const report = path.join(out, `${tier}.json`);
    // What talks to servers may have a connection that is still closing when the last test is done: nobody waits for that.
    const workers = tier === 'unit' ? ['--maxWorkers=2'] : ['--runInBand', '--forceExit'];
    const jest = path.join(root, 'node_modules/jest/bin/jest.js');
    spawnSync(process.execPath, [jest, '--selectProjects', tier, '--json', `--outputFile=${report}`, ...workers], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (!existsSync(report)) {
      process.stderr.write(`tier ${tier} left no report\n`);
      failed += 1;
      continue;
    }
    const result = JSON.parse(readFileSync(report, 'utf8'));
    passed += result.numPassedTests;
    failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    skipped += result.numPendingTests + result.numTodoTests;
    if (result.numTotalTests === 0) failed += 1;
  }
} finally {
  rmSync(out, { recursive: true, force: true });
  if (!dockerRan) stopDocker();
}
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 ? 0 : 1);
