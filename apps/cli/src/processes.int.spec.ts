import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Failure } from './failure.js';
import { withLock } from './lock.js';
import { until } from './polling.js';
import { alive, endStrays, lastLines, launch, processesIn, recordFile, recordOf, runningProcess, terminate } from './processes.js';
import type { LaunchSpec, ProcessRecord } from './processes.js';

let folder: string;
const started: ProcessRecord[] = [];

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'decklog-processes-'))));
afterEach(async () => {
  for (const record of started.splice(0)) await terminate(record, { signal: 'SIGKILL', graceMs: 5_000 });
  rmSync(folder, { recursive: true, force: true });
});

async function startChild(script: string, extra: Partial<LaunchSpec> = {}): Promise<ProcessRecord> {
  const spec = { command: process.execPath, args: ['-e', script], env: { PATH: process.env['PATH'] ?? '' }, cwd: folder };
  const record = await launch(folder, 'child', { ...spec, logFile: join(folder, 'child.log'), ...extra });
  started.push(record);
  return record;
}

const logged = (text: string) =>
  until(() => (lastLines(join(folder, 'child.log'), 50).join('\n').includes(text) ? true : undefined), { forMs: 20_000, what: text });

describe('a process left to itself', () => {
  it('is found again by its record, its output in its log, in a session of its own', async () => {
    const record = await startChild('console.log("hello from", process.pid); setInterval(() => {}, 1000)');
    await logged(`hello from ${record.pid}`);
    expect(recordOf(folder, 'child')).toEqual(record);
    expect(runningProcess(folder, 'child')).toEqual(record);
    expect(processesIn(folder)).toContain(record.pid);
  });

  it('that was killed is not running', async () => {
    const record = await startChild('setInterval(() => {}, 1000)');
    process.kill(record.pid, 'SIGKILL');
    await until(() => (alive(record) ? undefined : true), { forMs: 10_000, what: 'the end' });
    expect(runningProcess(folder, 'child')).toBeUndefined();
  });

  it('is not taken for another that has its pid now', async () => {
    const record = await startChild('setInterval(() => {}, 1000)');
    const older = { ...record, startTicks: '1' };
    writeFileSync(recordFile(folder, 'child'), JSON.stringify(older));
    expect(runningProcess(folder, 'child')).toBeUndefined();
    expect(await terminate(older, { signal: 'SIGKILL', graceMs: 1_000 })).toBe('ended');
    expect(alive(record)).toBe(true);
  });

  it('that can’t be started is a failure that names it', async () => {
    await expect(startChild('', { command: join(folder, 'missing') })).rejects.toThrow(/child can't be started: .*ENOENT/);
  });

  it('whose record is damaged counts as not running', () => {
    writeFileSync(recordFile(folder, 'child'), '{"pid":');
    expect(runningProcess(folder, 'child')).toBeUndefined();
  });
});

describe('ending a process', () => {
  it('lets it end in its own way', async () => {
    const record = await startChild(
      'process.on("SIGTERM", () => { console.log("bye"); process.exit(0) }); console.log("up"); setInterval(() => {}, 1000)',
    );
    await logged('up');
    expect(await terminate(record, { signal: 'SIGTERM', graceMs: 20_000 })).toBe('ended');
    await logged('bye');
  });

  it('kills it, and what it started, when its time is over', async () => {
    const child = 'require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {stdio: "inherit"})';
    const record = await startChild(`${child}; process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)`);
    await logged('up');
    expect(await terminate(record, { signal: 'SIGTERM', graceMs: 100 })).toBe('killed');
    await until(() => (processesIn(folder).length === 0 ? true : undefined), { forMs: 10_000, what: 'its child to end' });
  });
});

describe('a process that nobody recorded', () => {
  it('is ended when its component is started again', async () => {
    const stray = await startChild('console.log("up"); setInterval(() => {}, 1000)');
    await logged('up');
    rmSync(recordFile(folder, 'child'));
    const next = await startChild('setInterval(() => {}, 1000)');
    expect(alive(stray)).toBe(false);
    await endStrays(join(folder, 'other.log'));
    expect(alive(next)).toBe(true);
    await endStrays(folder);
    expect(alive(next)).toBe(false);
  });
});

describe('a log', () => {
  it('that grew beyond its limit is put aside at the next start', async () => {
    const file = join(folder, 'child.log');
    writeFileSync(file, '');
    truncateSync(file, 11 * 1024 * 1024);
    appendFileSync(file, '\nold\n');
    expect(lastLines(file, 1)).toEqual(['old']);
    await startChild('console.log("new")');
    await logged('new');
    expect(lastLines(file, 10)).toEqual(['new']);
    expect(lastLines(`${file}.1`, 1)).toEqual(['old']);
  });
});

describe('a lock of the machine', () => {
  const name = `spec-${process.pid}`;

  it('lets one in at a time', async () => {
    const order: string[] = [];
    const enter = (who: string) =>
      withLock(name, 'it', 20_000, async () => {
        order.push(`${who} in`);
        await new Promise((done) => setImmediate(done));
        order.push(`${who} out`);
      });
    await Promise.all([enter('a'), enter('b'), enter('c')]);
    for (let i = 0; i < order.length; i += 2) expect(order[i + 1]).toBe(order[i]?.replace('in', 'out'));
  });

  it('says who holds what when the wait is over', async () => {
    await withLock(name, 'it', 1_000, async () => {
      await expect(withLock(name, 'the profile', 60, () => Promise.resolve())).rejects.toThrow(Failure);
      await expect(withLock(name, 'the profile', 60, () => Promise.resolve())).rejects.toThrow(
        'the profile is held by another decklog command',
      );
    });
  });

  it('held by a process that was killed is free again', async () => {
    const script = `require('net').createServer().listen('\\0decklog-${name}', () => console.log('held'))`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((held) => holder.stdout.once('data', held));
    try {
      await expect(withLock(name, 'it', 60, () => Promise.resolve())).rejects.toThrow(Failure);
    } finally {
      holder.kill('SIGKILL');
    }
    await expect(withLock(name, 'it', 20_000, () => Promise.resolve('mine'))).resolves.toBe('mine');
  });
});
