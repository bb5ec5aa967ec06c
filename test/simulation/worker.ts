import { parentPort, workerData } from 'node:worker_threads';
import { cameUp, runSeed, type SeedResult } from '#libs/simulation';

/** What a worker is told: the next seed; undefined: there is none. */
export type Order = number | undefined;

/** What a worker says of a seed; undefined: it is ready for one. */
export type Report = SeedResult | undefined;

/** Runs one seed after the other, as it is told. */
async function work(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('this runs as a worker thread');
  const beginning = await cameUp();
  const say = (report: Report): void => port.postMessage(report);
  port.on('message', (seed: Order) => {
    if (seed === undefined) return port.close();
    void runSeed(seed, beginning).then(say);
  });
  say(undefined);
}

if (workerData === 'seeds') void work();
