import {
  CONFIGMAPS,
  DEPLOYMENTS,
  NAMESPACES,
  PERSISTENTVOLUMECLAIMS,
  PODS,
  RESOURCEQUOTAS,
  SERVICEACCOUNTS,
  SERVICES,
  type ResourceQuota,
  type Service,
} from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import { MemoryLog } from '#libs/simulation';
import {
  aConfigMap,
  aNamespace,
  aPod,
  aServiceAccount,
  definedAs,
  eventsOf,
  metaOf,
  MemoryCluster,
  refusalOf,
  type Wish,
} from '#libs/testing';

let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
  await cluster.settled();
});
afterEach(() => cluster.stop());

const operation = (verb: WriteRequest['verb'], resource: GroupVersionResource, { options = {}, ...rest }: Wish): WriteRequest => ({
  verb,
  definition: definedAs(resource),
  options,
  requester: { actor: { user: 'alice' }, fieldManager: 'tests' },
  ...rest,
});
const creating = (resource: GroupVersionResource, object: KubeObject, wish: Wish = {}): WriteRequest => {
  const { namespace } = object.metadata;
  return operation('create', resource, { object, ...(namespace === undefined ? {} : { namespace }), ...wish });
};
const inNamespace = <T extends KubeObject>(object: T, namespace: string): T => ({ ...object, metadata: { ...object.metadata, namespace } });
const transact = (...requests: WriteRequest[]) => cluster.writePath.transact(requests);

/** Type, resource and name of each event after a sequence, with its root and cause as distances. */
const storyAfter = async (after: number): Promise<readonly string[]> =>
  (await eventsOf(cluster.log))
    .filter(({ sequence }) => sequence > after)
    .map(({ sequence, subject, meta }) => {
      const back = (place: string | undefined): string => (place === undefined ? '-' : String(sequence - Number(place.split(':')[1])));
      return `${meta.type} ${subject.split('.').slice(4).join('.')} ${back(meta.root)} ${back(meta.cause)}`;
    });

const last = async (): Promise<number> => cluster.log.last('state');

const aQuota = (hard: string): ResourceQuota =>
  ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard: { configmaps: hard } },
    status: { hard: { configmaps: hard }, used: { configmaps: '0' } },
  }) as ResourceQuota;

async function limited(hard: string): Promise<void> {
  const { object } = await cluster.create(RESOURCEQUOTAS, aQuota(hard));
  const { status } = aQuota(hard);
  await cluster.write('update', RESOURCEQUOTAS, { namespace: 'default', name: 'q', subresource: 'status', object: { ...object, status } });
  await cluster.settled();
}

const aService = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], ...spec },
  }) as KubeObject;

describe('several writes as one', () => {
  it('are stored together, the first event the root of all, and answered each with its own sequence', async () => {
    await cluster.create(CONFIGMAPS, aConfigMap('old', { k: 'v' }));
    await cluster.create(CONFIGMAPS, aConfigMap('gone'));
    const before = await last();
    const { results, root } = await transact(
      creating(CONFIGMAPS, aConfigMap('new')),
      operation('patch', CONFIGMAPS, { namespace: 'default', name: 'old', patch: { type: 'merge', body: { data: { k: 'w' } } } }),
      operation('delete', CONFIGMAPS, { namespace: 'default', name: 'gone' }),
      operation('patch', CONFIGMAPS, {
        namespace: 'default',
        name: 'applied',
        patch: { type: 'apply', body: aConfigMap('applied', { k: 'v' }) },
      }),
    );
    expect(await storyAfter(before)).toEqual([
      'Created configmaps.default.new - -',
      'Updated configmaps.default.old 1 1',
      'Deleted configmaps.default.gone 2 2',
      'Created configmaps.default.applied 3 3',
    ]);
    expect(root).toBe(before + 1);
    expect(results.map(({ code, sequence }) => [code, sequence])).toEqual([201, 200, 200, 201].map((code, i) => [code, before + 1 + i]));
    expect(results.map(({ object }) => object.metadata.resourceVersion)).toEqual([1, 2, undefined, 4].map((n) => n && String(before + n)));
    expect(await cluster.get(CONFIGMAPS, 'default', 'old')).toMatchObject({ data: { k: 'w' } });
  });

  it('see what those before them make of the state: a namespace and what is in it', async () => {
    const before = await last();
    await transact(
      creating(NAMESPACES, aNamespace('fresh')),
      creating(SERVICEACCOUNTS, inNamespace(aServiceAccount('default'), 'fresh')),
      creating(PODS, inNamespace(aPod('p'), 'fresh')),
    );
    expect(await storyAfter(before)).toEqual([
      'Created namespaces._.fresh - -',
      'Created serviceaccounts.fresh.default 1 1',
      'Created pods.fresh.p 2 2',
    ]);
  });

  it('count together against a quota, which is stored once, after them', async () => {
    await limited('3');
    const before = await last();
    const maps = ['a', 'b', 'c'].map((name) => creating(CONFIGMAPS, aConfigMap(name)));
    await transact(...maps);
    expect(await storyAfter(before)).toEqual([
      'Created configmaps.default.a - -',
      'Created configmaps.default.b 1 1',
      'Created configmaps.default.c 2 2',
      'Updated resourcequotas.default.q 3 1',
    ]);
    expect(await cluster.get(RESOURCEQUOTAS, 'default', 'q')).toMatchObject({ status: { used: { configmaps: '3' } } });
  });

  it('exceed a quota together: the one too many is named', async () => {
    await limited('2');
    const before = await last();
    const maps = ['a', 'b', 'c'].map((name) => creating(CONFIGMAPS, aConfigMap(name)));
    expect(await refusalOf(transact(...maps))).toMatchObject({
      code: 403,
      message:
        'operations[2] (ConfigMap default/c): configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
    });
    expect(await last()).toBe(before);
  });

  it('change a quota that others of them are charged to, in one event', async () => {
    await limited('3');
    const before = await last();
    const patch = { type: 'merge', body: { metadata: { labels: { tier: 'gold' } } } } as const;
    const { results } = await transact(
      creating(CONFIGMAPS, aConfigMap('a')),
      operation('patch', RESOURCEQUOTAS, { namespace: 'default', name: 'q', patch }),
      creating(CONFIGMAPS, aConfigMap('b')),
    );
    expect(await storyAfter(before)).toEqual([
      'Created configmaps.default.a - -',
      'Updated resourcequotas.default.q 1 1',
      'Created configmaps.default.b 2 2',
    ]);
    const quota = await cluster.get(RESOURCEQUOTAS, 'default', 'q');
    expect(quota).toMatchObject({ metadata: { labels: { tier: 'gold' } }, status: { used: { configmaps: '2' } } });
    expect(results[1]?.object).toEqual(quota);
  });

  it('get addresses and ports of their own', async () => {
    const services = Array.from({ length: 40 }, (_, i) => creating(SERVICES, aService(`s${i}`, { type: 'NodePort' })));
    const { results } = await transact(...services);
    const specs = results.map(({ object }) => (object as Service).spec);
    expect(new Set(specs.map((spec) => spec?.clusterIP)).size).toBe(40);
    expect(new Set(specs.map((spec) => spec?.ports?.[0]?.nodePort)).size).toBe(40);
  });

  it('can not hand on an address that one of them gives up', async () => {
    await cluster.create(SERVICES, aService('old', { clusterIP: '10.96.0.77' }));
    const refused = transact(
      operation('delete', SERVICES, { namespace: 'default', name: 'old' }),
      creating(SERVICES, aService('new', { clusterIP: '10.96.0.77' })),
    );
    expect(await refusalOf(refused)).toMatchObject({
      code: 409,
      message:
        'operations[1] (Service default/new): Operation cannot be fulfilled on ipaddresses.networking.k8s.io "10.96.0.77": operations[0] changes it too, and it can\'t both come and go at once',
    });
  });

  it.each([
    ['created twice', creating(CONFIGMAPS, aConfigMap('a')), creating(CONFIGMAPS, aConfigMap('a'))],
    ['created and deleted', creating(CONFIGMAPS, aConfigMap('a')), operation('delete', CONFIGMAPS, { namespace: 'default', name: 'a' })],
    [
      'created and scaled',
      creating(CONFIGMAPS, aConfigMap('a')),
      operation('patch', CONFIGMAPS, { namespace: 'default', name: 'a', patch: { type: 'merge', body: {} } }),
    ],
  ])('an object can not be %s', async (_what, one, two) => {
    expect(await refusalOf(transact(one, two))).toMatchObject({
      code: 400,
      message:
        'operations[1] (ConfigMap default/a): ConfigMap default/a is written by operations[0] already: a transaction writes an object once',
    });
  });

  it('are all named where they are invalid, each field with its operation, and nothing is written', async () => {
    const before = await last();
    const maps = Array.from({ length: 100 }, (_, i) => creating(CONFIGMAPS, aConfigMap(i === 40 || i === 70 ? `NO-${i}` : `m${i}`)));
    const status = await refusalOf(transact(...maps));
    expect(status.message).toMatch(/^operations\[40\] \(ConfigMap default\/NO-40\): ConfigMap "NO-40" is invalid: .*; operations\[70\]/);
    expect(status).toMatchObject({ code: 422, reason: 'Invalid', details: { kind: 'ConfigMap', name: 'NO-40' } });
    expect(status.details?.causes?.map(({ field }) => field)).toEqual(['operations[40].metadata.name', 'operations[70].metadata.name']);
    expect(await last()).toBe(before);
  });

  it.each([
    ['a delete', operation('delete', CONFIGMAPS, { namespace: 'default', name: 'a', options: { preconditions: { uid: 'other' } } })],
    [
      'a patch',
      operation('patch', CONFIGMAPS, {
        namespace: 'default',
        name: 'a',
        patch: { type: 'merge', body: { data: { k: '2' } } },
        options: { preconditions: { resourceVersion: '1' } },
      }),
    ],
    [
      'an apply',
      operation('patch', CONFIGMAPS, {
        namespace: 'default',
        name: 'a',
        patch: { type: 'apply', body: aConfigMap('a', { k: '2' }) },
        options: { preconditions: { uid: 'other' } },
      }),
    ],
    [
      'an update',
      operation('update', CONFIGMAPS, {
        namespace: 'default',
        name: 'a',
        object: { ...aConfigMap('a'), metadata: { name: 'a', namespace: 'default', resourceVersion: '1' } },
      }),
    ],
  ])('fail together with the precondition of %s', async (_verb, request) => {
    await cluster.create(CONFIGMAPS, aConfigMap('a', { k: '1' }));
    const before = await last();
    const refusal = await refusalOf(transact(creating(CONFIGMAPS, aConfigMap('b')), request));
    expect(refusal).toMatchObject({ code: 409, message: expect.stringMatching(/^operations\[1\] \(ConfigMap default\/a\): /) });
    expect(await last()).toBe(before);
  });

  it('make no other object in place of one that is gone and was meant', async () => {
    const options = { preconditions: { uid: 'u' } };
    const patch = { type: 'apply', body: aConfigMap('a') } as const;
    const refused = transact(operation('patch', CONFIGMAPS, { namespace: 'default', name: 'a', patch, options }));
    expect(await refusalOf(refused)).toMatchObject({ code: 404 });
  });

  it('write nothing in a dry run, and yet see each other', async () => {
    const before = await last();
    const options = { dryRun: true };
    const { results, root } = await transact(
      creating(NAMESPACES, aNamespace('fresh'), { options }),
      creating(CONFIGMAPS, inNamespace(aConfigMap('a'), 'fresh'), { options }),
    );
    expect([root, results.map(({ code, sequence }) => [code, sequence])]).toEqual([
      undefined,
      [
        [201, undefined],
        [201, undefined],
      ],
    ]);
    expect(await last()).toBe(before);
  });

  it('that change nothing append nothing', async () => {
    const { object } = await cluster.create(CONFIGMAPS, aConfigMap('a', { k: 'v' }));
    const before = await last();
    const patch = { type: 'merge', body: { data: { k: 'v' } } } as const;
    const { results, root } = await transact(operation('patch', CONFIGMAPS, { namespace: 'default', name: 'a', patch }));
    expect([root, results.map((result) => [result.sequence, result.object])]).toEqual([undefined, [[undefined, object]]]);
    expect(await last()).toBe(before);
  });

  it('get generated names, drawn anew where they are taken', async () => {
    const object = { ...aConfigMap('x'), metadata: { generateName: 'a-', namespace: 'default' } };
    const { results } = await transact(...Array.from({ length: 20 }, () => creating(CONFIGMAPS, object)));
    const names = results.map(({ object: made }) => made.metadata.name);
    expect(new Set(names).size).toBe(20);
    for (const name of names) expect(name).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('take names of deleted objects, after a restart too', async () => {
    await cluster.create(CONFIGMAPS, aConfigMap('a'));
    await cluster.write('delete', CONFIGMAPS, { namespace: 'default', name: 'a' });
    const other = await MemoryCluster.start({}, cluster.log);
    const { results } = await other.writePath.transact([creating(CONFIGMAPS, aConfigMap('b')), creating(CONFIGMAPS, aConfigMap('a'))]);
    expect(results.map(({ code }) => code)).toEqual([201, 201]);
  });

  it('of more events than can be stored at once are refused', async () => {
    const maps = Array.from({ length: 1_001 }, (_, i) => creating(CONFIGMAPS, aConfigMap(`m${i}`)));
    expect(await refusalOf(transact(...maps))).toMatchObject({
      code: 413,
      message: 'the transaction comes to 1001 events, and at most 1000 can be stored at once: split it',
    });
  });

  it('make owners and dependents together, and charge the volume claims too', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    } as KubeObject;
    const labels = { app: 'web' };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
    } as KubeObject;
    const { results } = await transact(creating(PERSISTENTVOLUMECLAIMS, claim), creating(DEPLOYMENTS, deployment));
    expect(results.map(({ code }) => code)).toEqual([201, 201]);
  });
});

describe('several writes as one, while others write', () => {
  const other = (log: MemoryLog): Promise<MemoryCluster> => MemoryCluster.start({}, log);

  it('are decided again where somebody was faster, and none is lost', async () => {
    const log = new MemoryLog({});
    const [one, two] = await Promise.all([other(log), other(log)]);
    await one.create(NAMESPACES, aNamespace('default'));
    await one.create(CONFIGMAPS, aConfigMap('n', { count: '0' }));
    const increase = async (at: MemoryCluster, i: number): Promise<void> => {
      for (;;) {
        await at.settled();
        const { object } = at.view.entry(CONFIGMAPS, 'default', 'n') ?? {};
        if (!object) continue;
        const count = String(Number((object as { data?: { count?: string } }).data?.count) + 1);
        const preconditions = { resourceVersion: object.metadata.resourceVersion ?? '' };
        const patch = { type: 'merge', body: { data: { count } } } as const;
        const requests = [
          operation('patch', CONFIGMAPS, { namespace: 'default', name: 'n', patch, options: { preconditions } }),
          creating(CONFIGMAPS, aConfigMap(`done-${i}`)),
        ];
        const refused = await at.writePath.transact(requests).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refused === undefined) return;
        expect(refused).toMatchObject({ reason: 'Conflict' });
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => increase(i % 2 ? one : two, i)));
    expect(await one.get(CONFIGMAPS, 'default', 'n')).toMatchObject({ data: { count: '20' } });
    expect(one.view.entries(CONFIGMAPS)).toHaveLength(21);
    await Promise.all([one.stop(), two.stop()]);
  });

  it('share a quota with single writes, and neither overshoots', async () => {
    await limited('60');
    const together = Array.from({ length: 10 }, (_, i) =>
      transact(...Array.from({ length: 5 }, (_each, k) => creating(CONFIGMAPS, aConfigMap(`t${i}-${k}`)))),
    );
    const single = Array.from({ length: 30 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`s${i}`)));
    const outcomes = await Promise.allSettled<unknown>([...together, ...single]);
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    for (const reason of refused) expect(reason).toContain('exceeded quota: q');
    await cluster.settled();
    const made = cluster.view.entries(CONFIGMAPS).length;
    expect(made).toBeGreaterThan(50);
    expect(made).toBeLessThanOrEqual(60);
    expect(await cluster.get(RESOURCEQUOTAS, 'default', 'q')).toMatchObject({ status: { used: { configmaps: String(made) } } });
  });

  it('fail where an object that they insist on moves at the last moment, though they do not change it', async () => {
    let meddle: (() => void) | undefined;
    const log = new MemoryLog({
      fault: (_stream, writes) => {
        if (writes.some(({ subject }) => subject.endsWith('.a'))) meddle?.();
        return undefined;
      },
    });
    const one = await other(log);
    await one.create(NAMESPACES, aNamespace('default'));
    const { object } = await one.create(CONFIGMAPS, aConfigMap('fence', { owner: 'one' }));
    await one.settled();
    const [fence] = (await eventsOf(log)).slice(-1);
    meddle = () => {
      meddle = undefined;
      const { subject = '', meta = metaOf(), body = new Uint8Array(), sequence = 0 } = fence ?? {};
      void log.append('state', [{ subject, expected: sequence, meta: { ...meta, type: 'Updated', previous: sequence }, body }]);
    };
    const patch = { type: 'merge', body: { data: { owner: 'one' } } } as const;
    const options = { preconditions: { resourceVersion: object.metadata.resourceVersion ?? '' } };
    const refused = one.writePath.transact([
      operation('patch', CONFIGMAPS, { namespace: 'default', name: 'fence', patch, options }),
      creating(CONFIGMAPS, aConfigMap('a')),
    ]);
    expect(await refusalOf(refused)).toMatchObject({
      code: 409,
      message: expect.stringMatching(/^operations\[0\] \(ConfigMap default\/fence\)/),
    });
    expect(await one.get(CONFIGMAPS, 'default', 'a')).toBeUndefined();
    await one.stop();
  });

  it('are refused with 503 where the log takes nothing', async () => {
    const broken = await MemoryCluster.start({ fault: (_stream, writes) => (writes.length > 1 ? 'unavailable' : undefined) });
    await broken.create(NAMESPACES, aNamespace('default'));
    const refused = broken.writePath.transact(['a', 'b'].map((name) => creating(CONFIGMAPS, aConfigMap(name))));
    expect(await refusalOf(refused)).toMatchObject({ code: 503 });
    await broken.stop();
  });
});
