import { CONFIGMAPS, LEASES, NAMESPACES, RESOURCEQUOTAS, SERVICES, type ResourceQuota } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { Requester } from '#libs/registry';
import { aConfigMap, aNamespace, definedAs, eventsOf, MemoryCluster } from '#libs/testing';
import { deleteCollection } from './delete-collection.js';

let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
});
afterEach(() => cluster.stop());

/** Place, resource and name, root and cause of each event after a sequence. */
const storyAfter = async (after: number): Promise<readonly (readonly (string | undefined)[])[]> =>
  (await eventsOf(cluster.log))
    .filter(({ sequence }) => sequence > after)
    .map(({ sequence, subject, meta }) => [`state:${sequence}`, subject.split('.').slice(4).join('.'), meta.root, meta.cause]);

const aService = (name: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30080, protocol: 'TCP', targetPort: 80 }], clusterIP: '10.96.0.77' },
  }) as KubeObject;

async function limited(): Promise<number> {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard: { configmaps: '99' } },
    status: { hard: { configmaps: '99' }, used: { configmaps: '0' } },
  } as ResourceQuota;
  const { object } = await cluster.create(RESOURCEQUOTAS, quota);
  const wish = { namespace: 'default', name: 'q', subresource: 'status', object: { ...object, status: quota.status } };
  const { sequence = 0 } = await cluster.write('update', RESOURCEQUOTAS, wish);
  await cluster.settled();
  return sequence;
}

describe('the root of an event', () => {
  it('is for what a request writes besides its own object the event of that object', async () => {
    const { sequence = 0 } = await cluster.create(SERVICES, aService('web'));
    const [first, ...derived] = await storyAfter(sequence - 1);
    expect(first).toEqual([`state:${sequence}`, 'services.default.web', undefined, undefined]);
    expect(derived.length).toBeGreaterThan(0);
    expect(derived.map(([, , root, cause]) => [root, cause])).toEqual(derived.map(() => [first?.[0], first?.[0]]));
  });

  it('is what a controller answers to, for everything its write leads to', async () => {
    const requester = { actor: { user: 'system:c' }, root: 'state:1', cause: 'lease:7' };
    const { sequence = 0 } = await cluster.writePath.execute({
      verb: 'create',
      definition: definedAs(SERVICES),
      namespace: 'default',
      object: aService('web'),
      options: {},
      requester,
    });
    const story = await storyAfter(sequence - 1);
    expect(story.length).toBeGreaterThan(1);
    expect(story.map(([, , root, cause]) => [root, cause])).toEqual(story.map(() => ['state:1', 'lease:7']));
  });

  it('of a quota is the event that charged it last, however many went together', async () => {
    const start = await limited();
    await Promise.all(Array.from({ length: 30 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`m${i}`))));
    const story = await storyAfter(start);
    const own = story.filter(([, about]) => about?.startsWith('configmaps'));
    expect(own).toHaveLength(30);
    expect(own.map(([, , root]) => root)).toEqual(own.map(() => undefined));
    for (const [i, [, about, root, cause]] of story.entries()) {
      if (!about?.startsWith('resourcequotas')) continue;
      expect([root, cause]).toEqual([story[i - 1]?.[0], story[i - 1]?.[0]]);
      expect(story[i - 1]?.[1]).toMatch(/^configmaps/);
    }
  });

  it('of a collection that is deleted is the first of its deletions', async () => {
    const objects = await Promise.all(['a', 'b', 'c'].map(async (name) => (await cluster.create(CONFIGMAPS, aConfigMap(name))).object));
    await cluster.settled();
    const { state } = cluster.view.position;
    const request = { definition: definedAs(CONFIGMAPS), options: {}, requester: { actor: { user: 'alice' } } };
    await deleteCollection(cluster.writePath, { request, objects });
    const [first, ...others] = await storyAfter(state);
    expect(first).toEqual([`state:${state + 1}`, 'configmaps.default.a', undefined, undefined]);
    expect(others.map(([, , root, cause]) => [root, cause])).toEqual([first, first].map((one) => [one?.[0], one?.[0]]));
  });

  it('of what a node does is that of the object which asked for it; of its signs of life none', async () => {
    const node = { actor: { user: 'system:node:n', groups: ['system:nodes'] }, answers: true };
    const write = async (
      verb: 'create' | 'update' | 'patch' | 'delete',
      resource: GroupVersionResource,
      name: string,
      more: object,
      by: Requester,
    ) => {
      const request = { verb, definition: definedAs(resource), namespace: 'default', options: {}, requester: by, ...more };
      const { sequence = 0 } = await cluster.writePath.execute(verb === 'create' ? request : { ...request, name });
      await cluster.settled();
      return sequence;
    };
    const chained = { actor: { user: 'system:c' }, root: 'state:1', cause: 'state:2' };
    const made = await write('create', CONFIGMAPS, 'asked', { object: aConfigMap('asked') }, chained);
    const told = await write('update', CONFIGMAPS, 'asked', { object: aConfigMap('asked', { done: 'yes' }) }, node);
    const gone = await write('delete', CONFIGMAPS, 'asked', {}, node);
    const alone = await write('create', CONFIGMAPS, 'own', { object: aConfigMap('own') }, node);
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'n', namespace: 'default' },
      spec: { holderIdentity: 'a' },
    };
    await write('create', LEASES, 'n', { object: lease }, node);
    await write('patch', LEASES, 'n', { patch: { type: 'merge', body: { spec: { holderIdentity: 'b' } } } }, node);
    const story = await storyAfter(made - 1);
    expect(story.map(([place, , root, cause]) => [place, root, cause])).toEqual([
      [`state:${made}`, 'state:1', 'state:2'],
      [`state:${told}`, 'state:1', `state:${made}`],
      [`state:${gone}`, 'state:1', `state:${told}`],
      [`state:${alone}`, undefined, undefined],
    ]);
    expect((await eventsOf(cluster.log, 'lease')).map(({ meta }) => [meta.root, meta.cause])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });
});
