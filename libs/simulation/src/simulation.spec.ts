import { definitionOf, DEPLOYMENTS, isPodActive, PODS, REPLICASETS, type Pod, type ReplicaSet } from '#libs/api';
import { controllerOf } from '#libs/apimachinery';
import { encodeMeta, STREAMS, type EventLog } from '#libs/log';
import { SimulatedCluster } from './simulated-cluster.js';

const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34];

const deployment = (image: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
  },
});

/** Tries until it is written: what a client does with a 503. */
async function insist(cluster: SimulatedCluster, request: Parameters<SimulatedCluster['writePath']['execute']>[0]): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      await cluster.writePath.execute(request);
      return;
    } catch (error) {
      if ((error as { reason?: string }).reason === 'AlreadyExists') return;
      if ((error as { reason?: string }).reason !== 'ServiceUnavailable') throw error;
    }
  }
  throw new Error('the log never answered');
}

/** A rollout with a log that fails one append in ten. */
async function rollout(seed: number): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({
    seed,
    fault: (world) => {
      const draw = world.random();
      return draw < 0.05 ? 'unavailable' : draw < 0.1 ? 'lost-answer' : undefined;
    },
  });
  cluster.startNode({ name: 'node-1', podPrefix: '10.64.1' });
  cluster.startNode({ name: 'node-2', podPrefix: '10.64.2' });
  const definition = definitionOf(DEPLOYMENTS);
  if (!definition) throw new Error('there are no deployments');
  const request = { definition, namespace: 'default', options: {}, requester: { actor: { user: 'alice' } } } as const;
  await insist(cluster, { ...request, verb: 'create', object: deployment('web:1', 7) });
  await cluster.advance(60_000);
  const patch = { type: 'merge', body: { spec: { replicas: 9, template: deployment('web:2', 9).spec.template } } } as const;
  await insist(cluster, { ...request, verb: 'patch', name: 'web', patch });
  await cluster.advance(300_000);
  return cluster;
}

/** All that a log holds, as bytes: place, subject, time, headers and body of every event of every stream. */
async function bytesOf(log: EventLog): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (const stream of STREAMS) {
    for await (const { events } of log.read(stream, 0, { until: await log.last(stream) })) {
      for (const { sequence, subject, time, meta, body } of events) {
        parts.push(Buffer.from(JSON.stringify([stream, sequence, subject, time, encodeMeta(meta)])), body);
      }
    }
  }
  return Buffer.concat(parts);
}

describe('with a log that fails one append in ten', () => {
  it.each(SEEDS)('a rollout arrives at exactly the pods that were asked for (seed %i)', async (seed) => {
    const cluster = await rollout(seed);
    const pods = (cluster.view.list(PODS, 'default') as readonly Pod[]).filter(isPodActive);
    const sets = cluster.view.list(REPLICASETS, 'default') as readonly ReplicaSet[];
    expect(pods.map(({ spec, status }) => [spec?.containers[0]?.image, status?.phase])).toEqual(
      Array.from({ length: 9 }, () => ['web:2', 'Running']),
    );
    expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(9);
    expect(pods.every((pod) => sets.some(({ metadata }) => metadata.uid === controllerOf(pod)?.uid))).toBe(true);
    expect(sets.map(({ spec }) => spec?.replicas).sort()).toEqual([0, 9]);
    await cluster.stop();
  });

  it('the same seed gives the same log, byte for byte, headers included; another seed another', async () => {
    const [one, same, other] = [await rollout(5), await rollout(5), await rollout(6)];
    const [first, second, third] = [await bytesOf(one.log), await bytesOf(same.log), await bytesOf(other.log)];
    expect(first.length).toBeGreaterThan(100_000);
    expect(first.equals(second)).toBe(true);
    expect(first.equals(third)).toBe(false);
    for (const cluster of [one, same, other]) await cluster.stop();
  });
});
