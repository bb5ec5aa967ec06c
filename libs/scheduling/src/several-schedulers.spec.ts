import fc from 'fast-check';
import { NAMESPACES, NODES, PODS, SERVICEACCOUNTS, type Node, type Pod } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { decodeObject, parseSubject, type EventLog, type ReadBatch, type Recorded } from '#libs/log';
import { ControllerLoop, SILENT_LOGGER, shardOf, type Share } from '#libs/runtime';
import { MemoryLog } from '#libs/simulation';
import { aNamespace, aPod, aServiceAccount, eventsOf, MemoryCluster } from '#libs/testing';
import { schedulerController } from './controller.js';

const SHARDS = 8;
const WAIT_MS = 20_000;

/** Waits for a few turns of the event loop. */
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A log as somebody far away sees it: what is read comes late, and an append is under way for a while. */
const farAway = (log: EventLog, delay: () => number): EventLog => ({
  async append(...parameters) {
    await turns(delay());
    const appended = await log.append(...parameters);
    await turns(delay());
    return appended;
  },
  async *read(...parameters): AsyncGenerator<ReadBatch> {
    for await (const { events, through } of log.read(...parameters)) {
      for (const event of events) {
        await turns(delay());
        yield { events: [event], through: event.sequence };
      }
      yield { events: [], through };
    }
  },
  last: (stream) => log.last(stream),
  lastOf: (stream, subject) => log.lastOf(stream, subject),
  close: () => Promise.resolve(),
});

/** A share that stays as it is: every `of`th shard. */
const shareOf = (replica: number, of: number): Share => ({
  shards: SHARDS,
  owns: (shard) => shard % of === replica,
  guardsOf: () => [],
  subscribe: () => () => undefined,
});

const aNode = (name: string, cpu: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: { allocatable: { cpu: String(cpu), memory: '8Gi', pods: '110' } },
  }) as KubeObject;
const wanting = (cpu: number, spec: object = {}): object => ({
  tolerations: [{ operator: 'Exists' }],
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: String(cpu) } } }],
  ...spec,
});
const cpuOf = ({ spec }: Pod): number => Number(spec?.containers[0]?.resources?.requests?.['cpu'] ?? 0);
const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** What the log tells of nodes and pods, event by event: nodes that a scheduler overfilled, and pods that changed their node. */
function faultsOf(events: readonly Recorded[]): readonly string[] {
  const room = new Map<string, number>();
  const pods = new Map<string, Pod>();
  const faults: string[] = [];
  for (const { subject, sequence, meta, body } of events) {
    const place = parseSubject(subject);
    const object = decodeObject(body, sequence);
    if (place?.resource === 'nodes') room.set(place.name, Number((object as Node).status?.allocatable?.['cpu'] ?? 0));
    if (place?.resource !== 'pods') continue;
    const pod = object as Pod;
    const before = pods.get(place.name);
    if (meta.type === 'Deleted') pods.delete(place.name);
    else pods.set(place.name, pod);
    const node = pod.spec?.nodeName ?? '';
    if (before?.spec?.nodeName && before.spec.nodeName !== node) faults.push(`${place.name} was bound twice`);
    if (meta.subresource !== 'binding' || meta.actor.user !== 'system:kube-scheduler') continue;
    const taken = [...pods.values()]
      .filter((one) => one.spec?.nodeName === node && !hasEnded(one))
      .reduce((sum, one) => sum + cpuOf(one), 0);
    if (taken > (room.get(node) ?? 0))
      faults.push(`${node} has ${taken} of ${room.get(node) ?? 0} taken after ${place.name} came at ${sequence}`);
  }
  return faults;
}

interface Plan {
  readonly schedulers: number;
  readonly nodes: readonly number[];
  readonly pods: readonly number[];
  /** What somebody else does meanwhile, each to the pod or node of that number. */
  readonly others: readonly (readonly ['bind' | 'make' | 'delete', number])[];
  readonly delays: readonly number[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  schedulers: fc.integer({ min: 2, max: 3 }),
  nodes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  pods: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 4, maxLength: 16 }),
  others: fc.array(fc.tuple(fc.constantFrom('bind', 'make', 'delete'), fc.nat(15)), { maxLength: 6 }),
  delays: fc.array(fc.nat(6), { minLength: 1, maxLength: 12 }),
});

/** Lets schedulers place pods that come, go and are placed by others, until none that waits fits anywhere. */
async function played({ schedulers, nodes, pods, others, delays }: Plan): Promise<readonly Recorded[]> {
  const log = new MemoryLog();
  const api = await MemoryCluster.start({}, log);
  await api.create(NAMESPACES, aNamespace('default'));
  await api.create(SERVICEACCOUNTS, aServiceAccount('default'));
  for (const [i, cpu] of nodes.entries()) await api.create(NODES, aNode(`n${i}`, cpu));
  let at = 0;
  const delay = (): number => delays[at++ % delays.length] ?? 0;
  const replicas = await Promise.all(Array.from({ length: schedulers }, () => MemoryCluster.start({}, farAway(log, delay))));
  const loops = replicas.map(({ view, writePath, world: { random, uuid } }, i) => {
    const share = shareOf(i, schedulers);
    const world = { now: Date.now, random, uuid };
    return new ControllerLoop({ controller: schedulerController, view, writePath, world, logger: SILENT_LOGGER, build: 'b', share });
  });
  for (const loop of loops) loop.start();
  const nodeAt = (i: number): string => `n${i % nodes.length}`;
  const acting = others.map(async ([what, i]) => {
    await turns(delay() * 8);
    const named = { namespace: 'default', name: `p${i % pods.length}` };
    const target = { kind: 'Node', name: nodeAt(i) };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: named, target } as unknown as KubeObject;
    if (what === 'bind') await api.create(PODS, binding, { ...named, subresource: 'binding' });
    if (what === 'make') await api.create(PODS, aPod(`q${i}`, wanting(1, { nodeName: nodeAt(i) })));
    if (what === 'delete') await api.write('delete', PODS, { ...named, options: { gracePeriodSeconds: 0 } });
  });
  for (const [i, cpu] of pods.entries()) await api.create(PODS, aPod(`p${i}`, wanting(cpu)));
  await Promise.allSettled(acting);
  await isDone(api, loops);
  await Promise.all(loops.map((loop) => loop.stop()));
  await Promise.all(replicas.map((each) => each.stop()));
  const events = await eventsOf(log);
  await api.stop();
  return events;
}

/** Resolves once no pod that waits fits on a node. */
async function isDone(api: MemoryCluster, loops: readonly ControllerLoop[]): Promise<void> {
  for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
    await api.settled();
    const pods = api.view.list(PODS) as readonly Pod[];
    const taken = (node: string): number => pods.filter(({ spec }) => spec?.nodeName === node).reduce((sum, pod) => sum + cpuOf(pod), 0);
    const most = Math.max(
      ...(api.view.list(NODES) as readonly Node[]).map(
        ({ metadata: { name = '' }, status }) => Number(status?.allocatable?.['cpu']) - taken(name),
      ),
    );
    const waiting = pods.filter(({ spec }) => !spec?.nodeName);
    if (waiting.every((pod) => cpuOf(pod) > most) && loops.every(({ idle }) => idle)) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('pods that fit are not bound');
}

describe('several schedulers', () => {
  it('place every pod that fits, none twice, and fill no node beyond its room, whoever else comes to it meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (one) => {
        expect(faultsOf(await played(one))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('each decide on their own part of the pods that wait', async () => {
    const events = await played({ schedulers: 3, nodes: [110], pods: Array.from({ length: 24 }, () => 1), others: [], delays: [1, 0, 3] });
    const deciders = new Set<string>();
    for (const { subject, meta } of events) {
      if (meta.subresource !== 'binding' || meta.decision === undefined) continue;
      const { namespace, name } = parseSubject(subject) ?? {};
      const replica = shardOf(`${namespace}/${name}`, SHARDS) % 3;
      const shards = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => shard % 3 === replica);
      expect(meta.decision?.key).toBe(`pending ${shards.join(',')} of ${SHARDS}`);
      deciders.add(meta.decision?.key ?? '');
    }
    expect(deciders.size).toBe(3);
  });
});
