import { DEFINITIONS, definitionOf, DEPLOYMENTS, PODS, type Pod } from '#libs/api';
import { recomputeAll, type Logger } from '#libs/runtime';
import { SimulatedCluster } from './simulated-cluster.js';

const errors: unknown[] = [];
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_message, error) => errors.push(error),
};

const deployment = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
});

describe('a simulated cluster', () => {
  it('runs the pods of a deployment, and every decision can be computed again', async () => {
    const cluster = await SimulatedCluster.start({ logger });
    cluster.startNode({ name: 'node-1', podPrefix: '10.64.1' });
    await cluster.settle();
    const definition = definitionOf(DEPLOYMENTS);
    if (!definition) throw new Error('there are no deployments');
    await cluster.writePath.execute({
      verb: 'create',
      definition,
      namespace: 'default',
      object: deployment(3),
      options: {},
      requester: { actor: { user: 'alice' } },
    });
    await cluster.settle();
    const pods = cluster.view.list(PODS, 'default') as readonly Pod[];
    expect(pods.map(({ status }) => status?.phase)).toEqual(['Running', 'Running', 'Running']);
    const again = await recomputeAll(cluster.log, cluster.everyController, DEFINITIONS);
    const wrong = again.filter(({ same }) => !same);
    expect(wrong).toEqual([]);
    expect(again.length).toBeGreaterThan(40);
    expect(errors).toEqual([]);
    await cluster.stop();
  });
});
