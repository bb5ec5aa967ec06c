import { CONFIGMAPS, NAMESPACES, PODS, SERVICEACCOUNTS } from '#libs/api';
import type { GroupVersionResource } from '#libs/apimachinery';
import {
  aConfigMap,
  aNamespace,
  aPod,
  aServiceAccount,
  definedAs,
  refusalOf,
  MemoryCluster,
  type ChangedObject,
  type Wish,
} from '#libs/testing';
import { deleteCollection } from './delete-collection.js';

let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
  await cluster.create(SERVICEACCOUNTS, aServiceAccount('default'));
});
afterEach(() => cluster.stop());

const types = async (): Promise<string[]> => {
  const seen: string[] = [];
  const until = await cluster.log.last('state');
  for await (const { events } of cluster.log.read('state', 0, { until })) {
    for (const { meta, subject } of events) seen.push(`${meta.type} ${subject.split('.').slice(4).join('.')}`);
  }
  return seen.slice(2);
};
const target = { namespace: 'default', name: 'a' };
const write = (verb: 'create' | 'update' | 'patch' | 'delete', resource: GroupVersionResource, wish: Wish) =>
  cluster.write(verb, resource, wish);
const update = (resource: GroupVersionResource, change: (old: ChangedObject) => object, wish: Wish = target) =>
  cluster.update(resource, wish, change);

describe('creating', () => {
  it('answers with the resourceVersion that is the sequence in the log, a uid and a time', async () => {
    const { code, object, sequence } = await cluster.create(CONFIGMAPS, aConfigMap('a', { k: 'v' }));
    expect(code).toBe(201);
    expect(object).toMatchObject({
      data: { k: 'v' },
      metadata: { resourceVersion: String(sequence), creationTimestamp: '2026-01-01T00:00:00Z' },
    });
    expect(object.metadata.uid).toBeTruthy();
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toEqual(object);
  });

  it('refuses a second object of the same name', async () => {
    await cluster.create(CONFIGMAPS, aConfigMap('a'));
    expect(await refusalOf(cluster.create(CONFIGMAPS, aConfigMap('a')))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
  });

  it('lets one of many that race for a name win', async () => {
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => cluster.create(CONFIGMAPS, aConfigMap('a'))));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('takes the name of a deleted object, after a restart too', async () => {
    await cluster.create(CONFIGMAPS, aConfigMap('a'));
    await write('delete', CONFIGMAPS, target);
    await cluster.create(CONFIGMAPS, aConfigMap('a'));
    await write('delete', CONFIGMAPS, target);
    const other = await MemoryCluster.start({}, cluster.log);
    await other.create(CONFIGMAPS, aConfigMap('a'));
    expect(await types()).toEqual([
      'Created configmaps.default.a',
      'Deleted configmaps.default.a',
      'Created configmaps.default.a',
      'Deleted configmaps.default.a',
      'Created configmaps.default.a',
    ]);
  });

  it('generates names', async () => {
    const { object } = await cluster.create(CONFIGMAPS, { ...aConfigMap('x'), metadata: { generateName: 'a-', namespace: 'default' } });
    expect(object.metadata.name).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('writes nothing in a dry run', async () => {
    const { object, sequence } = await cluster.create(CONFIGMAPS, aConfigMap('a'), { options: { dryRun: true } });
    expect([object.metadata.name, sequence]).toEqual(['a', undefined]);
    expect(await types()).toEqual([]);
  });

  it('refuses objects for namespaces that do not exist', async () => {
    const lost = { ...aConfigMap('a'), metadata: { name: 'a', namespace: 'nowhere' } };
    expect(await refusalOf(cluster.create(CONFIGMAPS, lost))).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it('refuses unknown fields where asked to, and else warns', async () => {
    const odd = { ...aConfigMap('a'), spec: { foo: 1 } };
    expect(await refusalOf(cluster.create(CONFIGMAPS, odd, { options: { fieldValidation: 'Strict' } }))).toMatchObject({
      code: 400,
      message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec"',
    });
    expect((await cluster.create(CONFIGMAPS, odd)).warnings).toEqual(['unknown field "spec"']);
  });

  it.each([
    [{ ...aConfigMap('a'), apiVersion: 'v2' }, 'the API version in the data (v2) does not match the expected API version (v1)'],
    [
      { ...aConfigMap('a'), metadata: { name: 'a', namespace: 'other' } },
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
  ])('refuses a body that is not what the URL says (%#)', async (object, message) => {
    expect(await refusalOf(write('create', CONFIGMAPS, { namespace: 'default', object }))).toMatchObject({ code: 400, message });
  });
});

describe('updating', () => {
  beforeEach(() => cluster.create(CONFIGMAPS, aConfigMap('a', { k: 'v' })));

  it('changes the object', async () => {
    const { code, object, sequence } = await update(CONFIGMAPS, (old) => ({ ...old, data: { k: 'w' } }));
    expect([code, object.metadata.resourceVersion]).toEqual([200, String(sequence)]);
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toEqual(object);
  });

  it('appends nothing where nothing changes', async () => {
    const before = await cluster.get(CONFIGMAPS, 'default', 'a');
    const { object, sequence } = await update(CONFIGMAPS, (old) => old);
    expect([object, sequence]).toEqual([before, undefined]);
  });

  it('refuses one made from an older resourceVersion', async () => {
    const old = await cluster.get(CONFIGMAPS, 'default', 'a');
    await update(CONFIGMAPS, (now) => ({ ...now, data: { k: 'w' } }));
    expect(await refusalOf(write('update', CONFIGMAPS, { ...target, object: { ...old, data: {} } }))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('needs no resourceVersion', async () => {
    const { object } = await write('update', CONFIGMAPS, { ...target, object: aConfigMap('a', { k: 'w' }) });
    expect(object).toMatchObject({ data: { k: 'w' } });
    expect(object.metadata.uid).toBe((await cluster.get(CONFIGMAPS, 'default', 'a'))?.metadata.uid);
  });

  it('refuses one meant for a predecessor', async () => {
    const object = { ...aConfigMap('a'), metadata: { name: 'a', uid: 'other' } };
    expect((await refusalOf(write('update', CONFIGMAPS, { ...target, object }))).message).toContain(
      'Precondition failed: UID in precondition: other, UID in object meta: ',
    );
  });

  it('refuses another name than the URL has', async () => {
    expect(await refusalOf(write('update', CONFIGMAPS, { ...target, object: aConfigMap('b') }))).toMatchObject({
      code: 400,
      message: 'the name of the object (b) does not match the name on the URL (a)',
    });
  });

  it('does not create', async () => {
    expect(await refusalOf(write('update', CONFIGMAPS, { namespace: 'default', name: 'b', object: aConfigMap('b') }))).toMatchObject({
      code: 404,
      message: 'configmaps "b" not found',
    });
  });

  it('loses none of many patches at once', async () => {
    const patches = Array.from({ length: 64 }, (_, i) =>
      write('patch', CONFIGMAPS, { ...target, patch: { type: 'merge', body: { data: { [`k${i}`]: 'v' } } } }),
    );
    await Promise.all(patches);
    const { data } = (await cluster.get(CONFIGMAPS, 'default', 'a')) as unknown as { data: object };
    expect(Object.keys(data)).toHaveLength(65);
  });

  it('patches in three ways', async () => {
    await write('patch', CONFIGMAPS, {
      ...target,
      patch: { type: 'json', operations: [{ op: 'replace', path: '/data/k', value: 'json' }] },
    });
    await write('patch', CONFIGMAPS, { ...target, patch: { type: 'merge', body: { data: { merge: 'yes' } } } });
    const { object } = await write('patch', CONFIGMAPS, {
      ...target,
      patch: { type: 'strategic', body: { metadata: { labels: { a: 'b' } } } },
    });
    expect(object).toMatchObject({ data: { k: 'json', merge: 'yes' }, metadata: { labels: { a: 'b' } } });
  });
});

describe('deleting', () => {
  beforeEach(() => cluster.create(CONFIGMAPS, aConfigMap('a')));

  it('answers with what was deleted', async () => {
    const uid = (await cluster.get(CONFIGMAPS, 'default', 'a'))?.metadata.uid;
    const { object } = await write('delete', CONFIGMAPS, target);
    expect(object).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid },
    });
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toBeUndefined();
  });

  it('waits for finalizers, and ends with the update that removes the last', async () => {
    await update(CONFIGMAPS, (old) => ({ ...old, metadata: { ...old.metadata, finalizers: ['example.com/hold'] } }));
    const { object } = await write('delete', CONFIGMAPS, target);
    expect(object.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
      finalizers: ['example.com/hold'],
    });
    expect((await refusalOf(cluster.create(CONFIGMAPS, aConfigMap('a')))).message).toBe(
      'object is being deleted: configmaps "a" already exists',
    );
    await update(CONFIGMAPS, (old) => ({ ...old, metadata: { ...old.metadata, finalizers: [] } }));
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toBeUndefined();
  });

  it.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const)('leaves a finalizer for the garbage collector with %s', async (propagationPolicy, finalizer) => {
    const { object } = await write('delete', CONFIGMAPS, { ...target, options: { propagationPolicy } });
    expect(object.metadata.finalizers).toEqual([finalizer]);
  });

  it('honours preconditions', async () => {
    const { message } = await refusalOf(write('delete', CONFIGMAPS, { ...target, options: { preconditions: { uid: 'other' } } }));
    expect(message).toMatch(
      /^Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition \(other\) does not match the UID in record/,
    );
  });
});

describe('a cache that is behind', () => {
  let gate: Promise<void> | undefined;
  let release = (): void => undefined;
  let behind: MemoryCluster;
  const hold = (): void => {
    gate = new Promise((resolve) => (release = resolve));
  };

  beforeEach(async () => {
    gate = undefined;
    behind = await MemoryCluster.start({ beforeRead: () => gate });
    await behind.create(NAMESPACES, aNamespace('default'));
    await behind.create(CONFIGMAPS, aConfigMap('b', { k: 'v' }));
    await behind.settled();
    hold();
  });
  afterEach(() => behind.stop());

  it('is waited for before a client hears a refusal that rests on it', async () => {
    await behind.create(CONFIGMAPS, aConfigMap('a'));
    const patching = behind.write('patch', CONFIGMAPS, { ...target, patch: { type: 'merge', body: { data: { k: 'v' } } } });
    release();
    expect((await patching).object).toMatchObject({ data: { k: 'v' } });
  });

  it('is waited for before an update is taken to change nothing', async () => {
    const b = { namespace: 'default', name: 'b' };
    await behind.write('update', CONFIGMAPS, { ...b, object: aConfigMap('b', { k: 'w' }) });
    const back = behind.write('update', CONFIGMAPS, { ...b, object: aConfigMap('b', { k: 'v' }) });
    release();
    expect((await back).sequence).toBeDefined();
    expect(await behind.get(CONFIGMAPS, 'default', 'b')).toMatchObject({ data: { k: 'v' } });
  });

  it('makes no write overwrite what it has not seen', async () => {
    const b = { namespace: 'default', name: 'b' };
    await behind.write('patch', CONFIGMAPS, { ...b, patch: { type: 'merge', body: { data: { one: '1' } } } });
    const second = behind.write('patch', CONFIGMAPS, { ...b, patch: { type: 'merge', body: { data: { two: '2' } } } });
    release();
    expect((await second).object).toMatchObject({ data: { k: 'v', one: '1', two: '2' } });
  });
});

describe('a log that is gone', () => {
  it('is answered as unavailable, to be tried again', async () => {
    let fault: 'unavailable' | undefined;
    const lost = await MemoryCluster.start({ fault: () => fault });
    await lost.create(NAMESPACES, aNamespace('default'));
    fault = 'unavailable';
    expect(await refusalOf(lost.create(CONFIGMAPS, aConfigMap('a')))).toMatchObject({
      code: 503,
      reason: 'ServiceUnavailable',
      details: { retryAfterSeconds: 1 },
    });
    await lost.stop();
  });
});

describe('a new namespace', () => {
  it('has a moment for its default account to appear', async () => {
    await cluster.create(NAMESPACES, aNamespace('blue'));
    const inBlue = aPod('a', {}, 'blue');
    const creating = cluster.create(PODS, inBlue);
    await cluster.create(SERVICEACCOUNTS, aServiceAccount('default', 'blue'));
    expect((await creating).code).toBe(201);
  });
});

describe('collections', () => {
  it('are deleted one by one, those that are gone already included', async () => {
    const objects = await Promise.all(['a', 'b', 'c'].map(async (name) => (await cluster.create(CONFIGMAPS, aConfigMap(name))).object));
    await write('delete', CONFIGMAPS, { namespace: 'default', name: 'b' });
    const request = { definition: definedAs(CONFIGMAPS), options: {}, requester: { actor: { user: 'alice' } } };
    expect(await deleteCollection(cluster.writePath, { request, objects })).toEqual(objects);
    await cluster.settled();
    expect(cluster.view.entries(CONFIGMAPS)).toEqual([]);
  });
});
