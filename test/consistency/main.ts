/**
 * Clients that write, read and watch through every API server of a cluster of its own, and whether what they saw can have happened.
 *
 * `npm run consistency -- [--minutes 1] [--rate 150] [--clients 16] [--objects 200] [--seed 1] [--layout standalone|apart|ha]`
 */
import { parseArgs } from 'node:util';
import { TestCluster } from '../cluster.js';
import { Exam, described } from './exam.js';
import { apisOf, reached } from './examined-cluster.js';

const PATIENCE_MS = 5_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      rate: { type: 'string', default: '150' },
      clients: { type: 'string', default: '16' },
      objects: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      layout: { type: 'string', default: 'standalone' },
    },
  });
  const options = {
    clients: Number(values.clients),
    rate: Number(values.rate),
    objects: Number(values.objects),
    seed: Number(values.seed),
  };
  const cluster = await TestCluster.start('--runtime=simulated', ...(values.layout === 'ha' ? ['--ha'] : [`--layout=${values.layout}`]));
  try {
    const where = await reached(cluster);
    const apis = await apisOf(cluster, where, PATIENCE_MS);
    const exam = new Exam(apis, options);
    await exam.begin();
    await new Promise((resolve) => setTimeout(resolve, Number(values.minutes) * 60_000));
    const result = await exam.end(where.log);
    for (const api of apis) api.close();
    console.log(described(result));
    return result.wrong.length === 0 ? 0 : 1;
  } finally {
    await cluster.delete();
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
