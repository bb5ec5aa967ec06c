/**
 * What sharing brings: how fast 1, 2 and 4 replicas of the replication service make the pods of many ReplicaSets, what each of them
 * does and uses; and that none is made twice and none is missing while one joins, one is killed and one is paused.
 *
 * `npm run bench:replicas` builds, and starts servers of its own. Behind `--`: how many ReplicaSets of five pods (2,000).
 */
import { openFloor, type Floor, type Replica } from './floor.js';
import { ask, holders, prepare, Tally, until } from './work.js';

const SETS = Number(process.argv[2] ?? 2_000);
const PODS_EACH = 5;
const PODS = SETS * PODS_EACH;
const SHARDS = 64;
const PAUSE_MS = 8_000;

const nameOf = (i: number): string => `replication-${i + 1}`;

async function joined(floor: Floor, count: number): Promise<readonly Replica[]> {
  const replicas = Array.from({ length: count }, (_, i) => floor.replica(nameOf(i)));
  await until('all shards have a holder, evenly', () => {
    const counts = [...holders(floor.plane).values()];
    return counts.length === count && counts.every((shards) => shards >= Math.floor(SHARDS / count)) && sum(counts) === SHARDS;
  });
  return replicas;
}

const sum = (values: Iterable<number>): number => [...values].reduce((all, value) => all + value, 0);
const percent = (value: number): string => `${value >= 0 ? '+' : ''}${(value * 100).toFixed(1)} %`;

/** How far each is from an even part, by name. */
const parts = (values: ReadonlyMap<string, number>): string =>
  [...values]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name.replace('replication-', '#')} ${percent((value * values.size) / sum(values.values()) - 1)}`)
    .join(', ');

/** Runs a measurement on servers of its own. */
async function on<T>(measure: (floor: Floor) => Promise<T>): Promise<T> {
  const floor = await openFloor();
  try {
    await prepare(floor.plane);
    return await measure(floor);
  } finally {
    await floor.close();
  }
}

async function throughput(floor: Floor, count: number): Promise<void> {
  const replicas = await joined(floor, count);
  const tally = new Tally(floor.plane);
  const [before, logBefore] = [replicas.map((replica) => replica.cpu()), floor.logCpu()];
  const began = performance.now();
  await ask(floor.plane, SETS, PODS_EACH);
  await until('all pods are there, and counted by their ReplicaSets', () => tally.created >= PODS && tally.settled(PODS_EACH) === SETS);
  const seconds = (performance.now() - began) / 1_000;
  const used = replicas.map((replica, i) => replica.cpu() - (before[i] ?? 0));
  const perCpu = PODS / sum(used);
  console.log(
    `| ${count} | ${(PODS / seconds).toFixed(0)} | ${perCpu.toFixed(0)} | ${used.map((cpu) => cpu.toFixed(1)).join(', ')} | ${(floor.logCpu() - logBefore).toFixed(1)} | ${parts(tally.made)} |`,
  );
  if (tally.created !== PODS || tally.deleted > 0)
    throw new Error(`${tally.created} pods were made and ${tally.deleted} deleted, where ${PODS} were asked for`);
}

/** One more joins, one is killed, one is paused for longer than its lease, each while pods are being made. */
async function handOver(floor: Floor): Promise<void> {
  const [first, second] = await joined(floor, 2);
  if (!first || !second) return;
  const tally = new Tally(floor.plane);
  const began = performance.now();
  const at = (): string => `${((performance.now() - began) / 1_000).toFixed(1)} s, ${tally.created} pods`;
  const asked = ask(floor.plane, SETS, PODS_EACH);
  const third = floor.replica(nameOf(2));
  await until('the third has its part', () => (holders(floor.plane).get(third.name) ?? 0) >= Math.floor(SHARDS / 3));
  console.log(`${third.name} has joined (${at()})`);
  await until('there is work left to do', () => tally.created >= PODS / 4);
  second.signal('SIGKILL');
  console.log(`${second.name} is killed (${at()})`);
  first.signal('SIGSTOP');
  const resumed = new Promise<void>((resolve) => setTimeout(() => resolve(void first.signal('SIGCONT')), PAUSE_MS));
  console.log(`${first.name} is paused (${at()})`);
  await until('the third has all', () => holders(floor.plane).get(third.name) === SHARDS);
  console.log(`${third.name} has all shards (${at()})`);
  await resumed;
  console.log(`${first.name} goes on (${at()})`);
  await until('the first has a part again', () => (holders(floor.plane).get(first.name) ?? 0) >= SHARDS / 2);
  console.log(`${first.name} has its part again (${at()})`);
  await asked;
  await until('all pods are there, and counted by their ReplicaSets', () => tally.created >= PODS && tally.settled(PODS_EACH) === SETS);
  console.log(`what ${first.name} was about to write was refused: ${first.logged('nothing of it was written')} decisions`);
  console.log(`all pods are there (${at()}); ${tally.moves} changes of hands`);
  const sizes = [...tally.sizes()].map(([size, sets]) => `${sets} ReplicaSets have ${size} pods`).join(', ');
  console.log(`${tally.created} pods were made, ${tally.deleted} deleted; ${sizes}`);
  const isWhole = tally.created === PODS && tally.deleted === 0 && tally.sizes().get(PODS_EACH) === SETS;
  if (!isWhole) throw new Error(`${PODS} pods were to be made, each once`);
}

async function main(): Promise<void> {
  console.log(`${SETS} ReplicaSets of ${PODS_EACH} pods each\n`);
  console.log(
    '| replicas | pods/s | pods a CPU second | CPU seconds of each | of the log | part of each, from even |\n|--:|--:|--:|--:|--:|---|',
  );
  for (const count of [1, 2, 4]) await on((floor) => throughput(floor, count));
  console.log('');
  await on(handOver);
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
