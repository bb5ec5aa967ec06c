import type { TestCluster } from '../cluster.js';
import type { Api } from '../consistency/api.js';
import { Exam, type Result } from '../consistency/exam.js';
import type { LogPlace } from '../consistency/facts.js';
import type { LoadOptions } from '../consistency/load.js';
import { faultKind, faultName, longestSilence, medianOf, type Fault } from './plan.js';
import type { Site } from './site.js';

/** How long a fault lasts before it is repaired. */
const HOLD_MS = 4_000;
/** A paused process sleeps longer than a lease lasts, so that it wakes in a world that has gone on. */
const PAUSE_MS = 7_000;
/** Between a repair and the next fault. */
const CALM_MS = 1_500;
const RECOVERY_MS = 60_000;
const POLL_MS = 50;
const WRITES = 20;

/** What a fault did to who wrote meanwhile. */
export interface Struck {
  readonly fault: Fault;
  readonly hit: string;
  /** The longest time without an acknowledged write, from the fault until everything was well again. */
  readonly silenceMs: number;
  /** From the repair until every API server had acknowledged writes again. */
  readonly recoveryMs: number;
}

/** What a run came to. */
export interface Outcome extends Result {
  readonly struck: readonly Struck[];
  /** What is wrong with the cluster itself afterwards, in words. */
  readonly damage: readonly string[];
}

/** What a run is made of. */
export interface Ground {
  readonly cluster: TestCluster;
  readonly site: Site;
  readonly apis: readonly Api[];
  readonly log: LogPlace;
  readonly load: LoadOptions;
  readonly say: (line: string) => void;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One fault after the other under load, until there are no more or it is time to end; then whether anything was wrong. */
export async function faultLoop(ground: Ground, faults: Iterable<Fault>, until: number): Promise<Outcome> {
  const exam = new Exam(ground.apis, ground.load);
  await exam.begin();
  await well(ground.apis, exam, performance.now());
  const struck: Struck[] = [];
  for (const fault of faults) {
    if (performance.now() >= until) break;
    const one = await strike(ground, exam, fault);
    ground.say(`${faultName(fault)} (${one.hit}): ${seconds(one.silenceMs)} without a write, ${seconds(one.recoveryMs)} to recover`);
    struck.push(one);
  }
  const result = await exam.end(ground.log);
  return { ...result, struck, damage: await damageOf(ground.cluster) };
}

async function strike({ site, apis }: Ground, exam: Exam, fault: Fault): Promise<Struck> {
  const from = performance.now();
  const hit = await site.strike(fault);
  await pause(fault.fault.startsWith('pause') ? PAUSE_MS : HOLD_MS);
  const repairing = performance.now();
  await site.repair();
  await well(apis, exam, repairing);
  const to = performance.now();
  await pause(CALM_MS);
  return { fault, hit, silenceMs: longestSilence(exam.load.successes, from, to), recoveryMs: to - repairing };
}

/** Waits until every API server acknowledges writes again. */
async function well(apis: readonly Api[], { load }: Exam, since: number): Promise<void> {
  const end = performance.now() + RECOVERY_MS;
  const acknowledged = (address: string): number => {
    let count = 0;
    for (let i = load.requests.length - 1; i >= 0; i--) {
      const request = load.requests[i];
      if (!request || request.to < since) break;
      if (request.server === address && request.asked.verb !== 'get' && request.answered.outcome === 'done' && request.from > since)
        count += 1;
    }
    return count;
  };
  while (!apis.every(({ address }) => acknowledged(address) >= WRITES)) {
    if (performance.now() > end) {
      const counts = apis.map(({ address }) => `${address} ${acknowledged(address)}`).join(', ');
      throw new Error(`not every API server acknowledges writes again within ${RECOVERY_MS / 1_000} s: ${counts}`);
    }
    await pause(POLL_MS);
  }
}

/** Whether the history is what was signed, and the projection what the log makes. */
async function damageOf(cluster: TestCluster): Promise<readonly string[]> {
  const checks = [['verify'], ['rebuild', '--check']];
  const damage: string[] = [];
  for (const command of checks) {
    const { code, out, err } = await cluster.decklog(command, { timeoutMs: 300_000 });
    if (code !== 0) damage.push(`./decklog ${command.join(' ')}: ${code}\n${out}${err}`);
  }
  return damage;
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** How long nobody could write, by the kind of fault. */
export function silences(struck: readonly Struck[]): readonly string[] {
  const kinds = new Map<string, number[]>();
  for (const { fault, silenceMs } of struck) kinds.set(faultKind(fault), [...(kinds.get(faultKind(fault)) ?? []), silenceMs]);
  return [...kinds].map(([kind, times]) => {
    return `${kind.padEnd(36)} ${String(times.length).padStart(3)} times, without a write for ${seconds(medianOf(times))} at the median, ${seconds(Math.max(...times))} at most`;
  });
}
