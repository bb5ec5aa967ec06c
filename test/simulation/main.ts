/**
 * The life of a cluster under many seeds, each with its own faults, and whether anything that must never be was.
 *
 * `npm run simulate -- [--seeds 1000] [--from 1] [--workers 2]`, or one seed line by line: `npm run simulate -- --seed 17 --trace`
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { cameUp, runSeed, type SeedResult } from '#libs/simulation';
import type { Order, Report } from './worker.js';

/** After so many the rest would only say the same again. */
const MOST_VIOLATIONS = 5;
const BAR = 30;
const SHOWN_LINES = 40;

function described({ seed, violation, trace }: SeedResult): string {
  const lines = trace.slice(-SHOWN_LINES).map((line) => `  ${line}`);
  return [
    `seed ${seed}: ${violation?.invariant ?? ''}`,
    `  ${violation?.says ?? ''}`,
    ...lines,
    `again, line by line: npm run simulate -- --seed ${seed} --trace`,
    '',
  ].join('\n');
}

async function one(seed: number, isTraced: boolean): Promise<number> {
  const result = await runSeed(seed, await cameUp(), isTraced ? { listener: (line) => console.log(line) } : {});
  if (result.violation) console.log(isTraced ? `\n${result.violation.invariant}: ${result.violation.says}` : described(result));
  console.log(
    `seed ${seed}: ${result.events} events, ${result.steps} steps, ${result.violation ? 'a violation' : 'no violation'}, hash ${result.hash.slice(0, 16)}`,
  );
  return result.violation ? 1 : 0;
}

/** What is known of a run so far. */
class Tally {
  readonly violations: SeedResult[] = [];
  done = 0;
  events = 0;
  readonly #began = performance.now();
  #shown = 0;

  constructor(private readonly seeds: number) {}

  add(result: SeedResult): void {
    this.done += 1;
    this.events += result.events;
    if (result.violation) this.violations.push(result);
  }

  get text(): string {
    const full = Math.floor((this.done / this.seeds) * BAR);
    const rate = (this.done * 1_000) / (performance.now() - this.#began);
    const bar = `${'#'.repeat(full)}${'.'.repeat(BAR - full)}`;
    return `[${bar}] ${this.done}/${this.seeds} seeds, ${rate.toFixed(1)} a second, ${this.events} events, ${this.violations.length} violations`;
  }

  /** On a terminal a line that is written over, in a file one every ten seconds. */
  show(): void {
    const everyMs = process.stderr.isTTY ? 100 : 10_000;
    if (performance.now() - this.#shown < everyMs) return;
    this.#shown = performance.now();
    process.stderr.write(process.stderr.isTTY ? `\r${this.text}` : `${this.text}\n`);
  }
}

/** Hands seeds to a worker until there are none. Rejects where the worker fails. */
function employ(next: () => Order, hear: (result: SeedResult) => void): Promise<void> {
  const worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: 'seeds' });
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    worker.on('message', (report: Report) => {
      if (report) hear(report);
      worker.postMessage(next());
    });
  });
}

async function many(from: number, seeds: number, workers: number): Promise<number> {
  const tally = new Tally(seeds);
  let seed = from;
  const next = (): Order => (seed < from + seeds && tally.violations.length < MOST_VIOLATIONS ? seed++ : undefined);
  const hear = (result: SeedResult): void => {
    tally.add(result);
    if (result.violation) console.log(`${process.stderr.isTTY ? '\n' : ''}${described(result)}`);
    tally.show();
  };
  await Promise.all(Array.from({ length: workers }, () => employ(next, hear)));
  process.stderr.write(process.stderr.isTTY ? `\r${tally.text}\n` : '');
  console.log(
    `${tally.done} seeds from ${from} on, ${tally.events} events: ${tally.violations.length === 0 ? 'no violation' : `${tally.violations.length} violations`}`,
  );
  return tally.violations.length === 0 ? 0 : 1;
}

function amount(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} must be a whole number above 0, and is ${text}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  if (values.seed !== undefined) return one(amount('seed', values.seed), values.trace);
  return many(amount('from', values.from), amount('seeds', values.seeds), amount('workers', values.workers));
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof RangeError ? error.message : error);
    process.exitCode = 2;
  },
);
