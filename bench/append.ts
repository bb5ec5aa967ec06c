/**
 * How many durable writes a second one writer process appends, grouped, at several numbers of clients, and how much of
 * that is left when 5 % of the writes are in conflict because another process has moved their
 * subjects.
 *
 * `npx tsc -p bench && node dist/bench/append.js [seconds per figure]` starts a nats-server of its own.
 */
import { connectLog } from '#libs/adapters';
import type { AppendWrite, EventLog } from '#libs/log';
import { appended, configMapWrite, startNats } from '#libs/testing';

const SECONDS = Number(process.argv[2] ?? 3);
const CLUSTER = 'bench';
const FILLER = 'x'.repeat(1_300);

interface Figure {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly conflicts: number;
}

const write = (name: string): AppendWrite => configMapWrite(CLUSTER, name, 0, FILLER);

/** Runs `clients` loops for the time of one figure. `nameOf` says what the nth write is called. */
async function measure(log: EventLog, clients: number, nameOf: (n: number) => string): Promise<Figure> {
  const latencies: number[] = [];
  const end = performance.now() + SECONDS * 1_000;
  let [n, conflicts] = [0, 0];
  const loop = async (): Promise<void> => {
    for (let start = performance.now(); start < end; start = performance.now()) {
      const result = await log.append('state', [write(nameOf(n++))]);
      if ('moved' in result) conflicts++;
      else latencies.push(performance.now() - start);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, loop));
  const seconds = (performance.now() - started) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? NaN;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99), conflicts };
}

const row = (name: string, { perSecond, p50, p99, conflicts }: Figure): void => {
  console.log(`| ${name} | ${perSecond.toFixed(0)} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${conflicts} |`);
};

async function main(): Promise<void> {
  const server = await startNats();
  const [log, other] = await Promise.all([
    connectLog({ url: server.url, cluster: CLUSTER }),
    connectLog({ url: server.url, cluster: CLUSTER }),
  ]);
  try {
    console.log('| writes of 1.5 KiB, sync always | stored/s | p50 ms | p99 ms | conflicts |\n|---|--:|--:|--:|--:|');
    for (const clients of [1, 16, 64, 256]) row(`${clients} clients`, await measure(log, clients, (n) => `c${clients}-${n}`));
    const taken = 20_000;
    for (let i = 0; i < taken; i += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, k) => appended(other, 'state', [write(`taken-${i + k}`)])));
    }
    const nameOf = (n: number): string => (n % 20 === 0 ? `taken-${(n / 20) % taken}` : `mixed-${n}`);
    row('64 clients, 5 % of the subjects taken by another process', await measure(log, 64, nameOf));
  } finally {
    await Promise.all([log.close(), other.close()]);
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
