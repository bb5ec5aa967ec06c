/**
 * What sharing brings: how fast 1, 2 and 4 replicas of the replication service make the pods of many ReplicaSets, what each of them
 * does and uses; and that none is made twice and none is missing while one joins, one is killed and one is paused.
 *
 * `npm run bench:replicas` builds, and starts servers of its own. Behind `--`: how many ReplicaSets of five pods (2,000).
 */
import { openFloor, type Floor, type Replica } from './floor.js';
import { ask, crowd, holders, layOut, prepare, Tally, until } from './work.js';

const SETS = Number(process.argv[2] ?? 2_000);
const PODS_EACH = 5;
const PODS = SETS * PODS_EACH;
const SHARDS = 64;
/** ReplicaSets of what is done before the clock runs. */
const WARM_UP = 400;
/** Pods of nobody in the namespace: each ReplicaSet looks whether they are its own, so that reconciling is what takes the time. */
const ALONE = 2_000;
/** In the log of a replica that has lost what it worked on. */
const REFUSED = 'nothing of it was written';

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

/** Replicas that have done such work before, and ReplicaSets that ask for no pods yet. */
async function laidOut(floor: Floor, count: number): Promise<readonly Replica[]> {
  const { plane } = floor;
  const replicas = await joined(floor, count);
  const tally = new Tally(plane);
  await layOut(plane, 'first', WARM_UP);
  await ask(plane, 'first', WARM_UP, PODS_EACH);
  await layOut(plane, 'work', SETS);
  await until('the ReplicaSets are known', () => tally.settled(WARM_UP, PODS_EACH) && tally.settled(SETS, 0));
  tally.stop();
  return replicas;
}

async function throughput(floor: Floor, count: number): Promise<void> {
  await crowd(floor.plane, ALONE);
  const replicas = await laidOut(floor, count);
  const tally = new Tally(floor.plane);
  const [before, logBefore] = [replicas.map((replica) => replica.cpu()), floor.logCpu()];
  const began = performance.now();
  await ask(floor.plane, 'work', SETS, PODS_EACH);
  await until('all pods are there', () => tally.created >= PODS && tally.settled(SETS + WARM_UP, PODS_EACH));
  const seconds = (performance.now() - began) / 1_000;
  const used = replicas.map((replica, i) => replica.cpu() - (before[i] ?? 0));
  const row = [
    count,
    (PODS / seconds).toFixed(0),
    (PODS / sum(used)).toFixed(0),
    used.map((cpu) => cpu.toFixed(1)).join(', '),
    (floor.logCpu() - logBefore).toFixed(1),
    parts(tally.made),
  ];
  console.log(`| ${row.join(' | ')} |`);
  check(tally);
}

function check({ created, deleted }: Tally): void {
  if (created !== PODS || deleted > 0) throw new Error(`${created} pods were made and ${deleted} deleted, where ${PODS} were asked for`);
}

/** One more joins, one is killed, one is paused for longer than its lease, each while pods are being made. */
async function handOver(floor: Floor): Promise<void> {
  const [first, second] = await laidOut(floor, 2);
  if (!first || !second) return;
  const { plane } = floor;
  const tally = new Tally(plane);
  const began = performance.now();
  const say = (what: string): void =>
    console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s ${String(tally.created).padStart(6)} pods: ${what}`);
  const has = (replica: Replica, shards: number): boolean => (holders(plane).get(replica.name) ?? 0) >= shards;
  const third = floor.replica(nameOf(2));
  await ask(plane, 'work', SETS, PODS_EACH);
  say(`${SETS} ReplicaSets ask for pods, ${third.name} starts`);
  await until('the third has its part', () => has(third, Math.floor(SHARDS / 3)));
  say(`${third.name} has its part`);
  await until('a quarter is done', () => tally.created >= PODS / 4);
  second.signal('SIGKILL');
  say(`${second.name} is killed`);
  await until('a third is done', () => tally.created >= PODS / 3);
  first.signal('SIGSTOP');
  say(`${first.name} is paused`);
  await until('the third has all', () => has(third, SHARDS));
  say(`${third.name} has all shards`);
  first.signal('SIGCONT');
  say(`${first.name} goes on`);
  await until('the first has a part again', () => has(first, SHARDS / 2));
  say(`${first.name} has its part again; of what it was about to write ${first.logged(REFUSED)} decisions were refused`);
  await until('all pods are there', () => tally.created >= PODS && tally.settled(SETS + WARM_UP, PODS_EACH));
  say(`all are there, after ${tally.moves} changes of hands`);
  const sizes = [...tally.sizes()].map(([size, sets]) => `${sets} ReplicaSets have ${size} pods`).join(', ');
  console.log(`${tally.created} pods were made, ${tally.deleted} deleted; ${sizes}`);
  check(tally);
}

async function main(): Promise<void> {
  console.log(`${SETS} ReplicaSets of ${PODS_EACH} pods each, beside ${ALONE} pods of nobody\n`);
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
