import { randomUUID } from 'node:crypto';
import { DEFINITIONS, NAMESPACES, PODS, REPLICASETS, SERVICEACCOUNTS } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { replicaSetController } from '#libs/controllers';
import { ORIGIN } from '#libs/log';
import { ControllerLoop, Sharing, SILENT_LOGGER, StateCache, systemTimers, WritePathEngine, type World } from '#libs/runtime';
import { SIMULATED_SETTINGS } from '#libs/simulation';
import { definedAs, eventsOf, startNats, startRelay, type Relay, type TestServer } from '#libs/testing';
import { connectLog } from '../jetstream/index.js';
import { connectMembership } from './kv-membership.js';

const SHARDS = 64;
const PODS_EACH = 5;
const world: World = { now: Date.now, random: Math.random, uuid: randomUUID };

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 2_500) throw new Error(`it never came to that: ${what}`);
    await new Promise((next) => setTimeout(next, 10));
  }
};

/** What a process of the service is made of, with a way of its own to the server. */
async function startReplica(server: TestServer, name: string) {
  const relay: Relay = await startRelay(server.port);
  const where = { url: server.url.replace(String(server.port), String(relay.port)), cluster: 'test' };
  const ending = new AbortController();
  const log = await connectLog(where);
  const snapshots = { snapshot: async () => ({ position: ORIGIN, rows: [] }) };
  const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger: SILENT_LOGGER, signal: ending.signal });
  const writePath = new WritePathEngine({ log, view, settings: SIMULATED_SETTINGS, world, cluster: 'test' });
  const membership = await connectMembership({ ...where, service: 'replication', replica: name });
  const common = { view, world, timers: systemTimers, logger: SILENT_LOGGER };
  const sharing = new Sharing({ ...common, cluster: 'test', service: 'replication', shards: SHARDS, membership, log });
  const loop = new ControllerLoop({ ...common, controller: replicaSetController, writePath, build: 'test', share: sharing });
  sharing.start();
  loop.start();
  return {
    view,
    log,
    relay,
    get shards() {
      return sharing.count;
    },
    create: (resource: GroupVersionResource, object: KubeObject) => {
      const { namespace } = object.metadata;
      const place = namespace === undefined ? {} : { namespace };
      const request = { verb: 'create', definition: definedAs(resource), object, options: {}, ...place } as const;
      return writePath.execute({ ...request, requester: { actor: { user: 'alice' } } });
    },
    stop: async () => {
      relay.part(false);
      await sharing.stop();
      await loop.stop();
      ending.abort();
      await log.close();
      await relay.close();
    },
  };
}

type Replica = Awaited<ReturnType<typeof startReplica>>;

const replicaSet = (name: string): KubeObject => {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } };
  const spec = { replicas: PODS_EACH, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: 'default' }, spec } as KubeObject;
};

describe('replicas of a service on one log', () => {
  let server: TestServer;
  const replicas: Replica[] = [];
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await server.stop();
  });

  const start = async (name: string): Promise<Replica> => {
    const replica = await startReplica(server, name);
    replicas.push(replica);
    return replica;
  };

  it('make each pod once, whoever joins and whoever is cut off while they do', async () => {
    const a = await start('a');
    let asked = 0;
    const ask = (sets: number): Promise<unknown> =>
      Promise.all(Array.from({ length: sets }, () => a.create(REPLICASETS, replicaSet(`work-${asked++}`))));
    await a.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    await a.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } });

    await ask(60);
    const [b, c] = await Promise.all([start('b'), start('c')]);
    await until('all are even', () => [a, b, c].every(({ shards }) => shards === 21 || shards === 22));

    await ask(60);
    b.relay.part(true);
    await ask(60);
    await until('the work of the one that is cut off is the others’', () => a.shards === 32 && c.shards === 32);
    expect(b.shards).toBe(0);
    await until('they have done it', () => a.view.entries(PODS).length === asked * PODS_EACH);

    b.relay.part(false);
    await ask(60);
    await until('the one that is back has its part', () => b.shards === 21 || b.shards === 22);
    await until('all is done', () => replicas.every(({ view }) => view.entries(PODS).length === asked * PODS_EACH));

    const pods = (await eventsOf(a.log, 'state')).filter(({ subject }) => subject.includes('.core.pods.'));
    expect(pods.filter(({ meta }) => meta.type === 'Created').length).toBe(asked * PODS_EACH);
    expect(pods.filter(({ meta }) => meta.type === 'Deleted').length).toBe(0);
  }, 60_000);
});
