import { DEFINITIONS, definitionOf, DEPLOYMENTS } from '#libs/api';
import type { Controller, KubeObject } from '#libs/apimachinery';
import type { EventLog, Recorded } from '#libs/log';
import { SimulatedCluster } from '#libs/simulation';
import { recompute, recomputeAll, type Recomputed, type RecomputeOptions } from './recompute.js';

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
};

/** A log of which some events can no longer be read. */
const without = (log: EventLog, gone: (event: Recorded) => boolean): EventLog => ({
  append: (...rest) => log.append(...rest),
  last: (stream) => log.last(stream),
  lastOf: (stream, subject) => log.lastOf(stream, subject),
  close: () => log.close(),
  async *read(...rest) {
    for await (const batch of log.read(...rest)) yield { ...batch, events: batch.events.filter((event) => !gone(event)) };
  },
});

/** Controllers of which one decides differently. */
const changed = (
  controllers: readonly Controller[],
  name: string,
  change: (controller: Controller) => Partial<Controller>,
): readonly Controller[] =>
  controllers.map((controller) => (controller.name === name ? { ...controller, ...change(controller) } : controller));

/** What a controller says of an object, said differently. */
const edited =
  (edit: (object: KubeObject & { spec?: object; status?: object }) => object) =>
  ({ reconcile }: Controller): Partial<Controller> => ({
    reconcile: (snapshot, now) => {
      const { changes, ...rest } = reconcile(snapshot, now);
      return { ...rest, changes: changes.map((one) => (one.verb === 'delete' ? one : { ...one, object: edit(one.object) as KubeObject })) };
    },
  });

describe('decisions computed again', () => {
  let cluster: SimulatedCluster;
  let controllers: readonly Controller[];

  const again = async (options: Partial<RecomputeOptions> = {}): Promise<readonly Recomputed[]> => {
    const all: Recomputed[] = [];
    for await (const one of recompute({ log: cluster.log, controllers, definitions: DEFINITIONS, ...options })) all.push(one);
    return all;
  };
  const wrong = (all: readonly Recomputed[]): readonly string[] => [
    ...new Set(all.filter(({ same, uncheckable }) => !same && uncheckable === undefined).map(({ decision }) => decision.controller)),
  ];

  beforeAll(async () => {
    cluster = await SimulatedCluster.start();
    for (const number of [1, 2]) cluster.startNode({ name: `node-${number}`, podPrefix: `10.64.${number}` });
    await cluster.settle();
    const definition = definitionOf(DEPLOYMENTS);
    if (!definition) throw new Error('there are no deployments');
    const requester = { actor: { user: 'alice' } };
    await cluster.writePath.execute({ verb: 'create', definition, namespace: 'default', object: deployment, options: {}, requester });
    await cluster.advance(60_000);
    await cluster.stopNode('node-2');
    await cluster.advance(600_000);
    controllers = cluster.everyController;
  });
  afterAll(() => cluster.stop());

  it.each([
    [1, 65_536],
    [7, 3],
    [50, 20],
    [8_192, 65_536],
  ])('are the same however much of the log is held: %i events ahead, %i back', async (ahead, back) => {
    const all = await again({ ahead, back });
    expect(wrong(all)).toEqual([]);
    expect(all.length).toBe((await recomputeAll(cluster.log, controllers, DEFINITIONS)).length);
  });

  it('are those of the time that is asked for', async () => {
    const all = await again();
    const times = all.map(({ decision }) => decision.decidedAt).sort((a, b) => a - b);
    const since = times[Math.floor(times.length / 3)] ?? 0;
    const until = times[Math.floor((times.length * 2) / 3)] ?? 0;
    const some = await again({ since, until });
    expect(some.length).toBe(times.filter((time) => time >= since && time < until).length);
    expect(wrong(some)).toEqual([]);
  });

  it.each<[string, string, (controller: Controller) => Partial<Controller>]>([
    [
      'says another number',
      'deployment-controller',
      edited((object) => ({ ...object, ...(object.spec ? { spec: { ...object.spec, replicas: 9 } } : {}) })),
    ],
    [
      'says less of a status',
      'replicaset-controller',
      edited((object) => ({ ...object, ...(object.status ? { status: { replicas: 3 } } : {}) })),
    ],
    ['decides nothing', 'taint-eviction-controller', () => ({ reconcile: () => ({ changes: [] }) })],
    [
      'fails',
      'serviceaccount-controller',
      () => ({
        reconcile: () => {
          throw new Error('no');
        },
      }),
    ],
    ['has an index that sees less', 'default-scheduler', () => ({ index: () => ({ apply: () => undefined, snapshot: () => undefined }) })],
  ])('differ where a controller %s', async (_what, name, change) => {
    const named = controllers.find((controller) => controller.name === name);
    expect(named).toBeDefined();
    expect(wrong(await again({ controllers: changed(controllers, name, change) }))).toEqual([name]);
  });

  it('can not be checked where their controller is not known, or where what they looked at is forgotten; the others are', async () => {
    const kept = new Map<string, number>();
    for await (const { events } of cluster.log.read('lease', 0, { until: await cluster.log.last('lease') }))
      for (const { subject, sequence } of events) kept.set(subject, sequence);
    const log = without(cluster.log, ({ stream, subject, sequence }) => stream === 'lease' && kept.get(subject) !== sequence);
    const known = controllers.filter(({ name }) => name !== 'serviceaccount-controller');
    const all = await again({ log, controllers: known });
    expect(wrong(all)).toEqual([]);
    const reasons = new Map(
      all.flatMap(({ decision, uncheckable }) => (uncheckable === undefined ? [] : [[decision.controller, uncheckable]])),
    );
    expect(reasons.get('serviceaccount-controller')).toBe('the controller serviceaccount-controller is not known');
    expect(reasons.get('node-lifecycle-controller')).toBe('the log keeps only the last messages of leases.coordination.k8s.io');
    expect(reasons.has('deployment-controller')).toBe(false);
  });

  it('can be checked where only what they do not look at is forgotten', async () => {
    const log = without(
      cluster.log,
      ({ stream, subject, meta }) => stream === 'lease' && subject.endsWith('.node-1') && meta.previous === 0,
    );
    const nodes = (await again({ log })).filter(({ decision }) => decision.controller === 'node-lifecycle-controller');
    const verdicts = nodes.map(({ decision, same, uncheckable }) => [decision.key, same, uncheckable !== undefined]);
    expect(verdicts).toContainEqual(['node-1', false, true]);
    expect(verdicts).toContainEqual(['node-2', true, false]);
    expect(verdicts).not.toContainEqual(['node-2', false, true]);
  });
});
