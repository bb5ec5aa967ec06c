import type { KubeObject } from '#libs/apimachinery';
import { aPod, startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;
type Amounts = Readonly<Record<string, string>>;
interface Resources {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}

const CORE = '/api/v1/namespaces/default';
const RANGES = `${CORE}/limitranges`;
const CLASSES = '/apis/scheduling.k8s.io/v1/priorityclasses';
const MERGE = 'application/merge-patch+json';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources();
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(() => cluster.close());

const amounts = (cpu: string, memory: string): Amounts => ({ cpu, memory });
let count = 0;
const pod = (resources: Resources = {}): Promise<TestAnswer> =>
  cluster.post(`${CORE}/pods`, aPod(`p${count++}`, { containers: [{ name: 'c', image: 'i:1', resources }] }));
const given = (answer: TestAnswer): unknown =>
  answer.json<{ spec: { containers: readonly { resources: Resources }[] } }>().spec.containers[0]?.resources;

describe('a range of limits', () => {
  it('fills in and bounds the pods that are made while it is there, as it is by then', async () => {
    const limit = {
      type: 'Container',
      min: amounts('50m', '100Mi'),
      max: amounts('500m', '500Mi'),
      default: amounts('500m', '500Mi'),
      defaultRequest: amounts('100m', '200Mi'),
    };
    const made = await cluster.post(RANGES, { metadata: { name: 'range' }, spec: { limits: [limit] } });
    expect(made.code).toBe(201);
    expect(given(await pod())).toEqual({ requests: amounts('100m', '200Mi'), limits: amounts('500m', '500Mi') });
    expect(given(await pod({ requests: { cpu: '300m' }, limits: { memory: '300Mi' } }))).toEqual({
      requests: amounts('300m', '300Mi'),
      limits: amounts('500m', '300Mi'),
    });
    const little = { requests: amounts('10m', '50Mi') };
    expect([(await pod(little)).code, (await pod({ limits: amounts('600m', '600Mi') })).code]).toEqual([403, 403]);
    const spec = { limits: [{ ...limit, min: amounts('9m', '49Mi') }] };
    expect((await cluster.send('PUT', `${RANGES}/range`, { ...made.json<KubeObject & Json>(), spec })).code).toBe(200);
    expect([(await pod(little)).code, (await pod({ limits: amounts('600m', '600Mi') })).code]).toEqual([201, 403]);
    await cluster.send('DELETE', `${RANGES}/range`, undefined);
    expect((await pod({ limits: amounts('600m', '600Mi') })).code).toBe(201);
  });

  it('is listed in all namespaces by its label, patched, and deleted with others of it', async () => {
    await cluster.post('/api/v1/namespaces', { metadata: { name: 'other' } });
    const body = { metadata: { name: 'range', labels: { e2e: 'collection' } }, spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] } };
    for (const namespace of ['default', 'other']) await cluster.post(`/api/v1/namespaces/${namespace}/limitranges`, body);
    const listed = async (): Promise<readonly unknown[]> =>
      (await cluster.ask('/api/v1/limitranges?labelSelector=e2e%3Dcollection'))
        .json<{ items: readonly KubeObject[] }>()
        .items.map(({ metadata }) => metadata.namespace);
    expect(await listed()).toEqual(['default', 'other']);
    const limits = [{ type: 'Pod', max: { cpu: '2' } }];
    const patched = await cluster.send('PATCH', `${RANGES}/range`, { spec: { limits } }, 'application/strategic-merge-patch+json');
    expect(patched.json()).toMatchObject({ spec: { limits: [{ type: 'Pod', max: { cpu: '2' } }] } });
    await cluster.send('DELETE', `${RANGES}?labelSelector=e2e%3Dcollection`, undefined);
    expect(await listed()).toEqual(['other']);
  });
});

describe('a priority class', () => {
  it('is made, read, watched, patched and deleted, and keeps its value', async () => {
    for (const [name, value] of [
      ['p1', 1],
      ['p2', 2],
    ] as const) {
      expect((await cluster.post(CLASSES, { metadata: { name, labels: { e2e: 'p' } }, value })).json()).toMatchObject({
        value,
        preemptionPolicy: 'PreemptLowerPriority',
      });
    }
    const p1 = (await cluster.ask(`${CLASSES}/p1`)).json<KubeObject & Json>();
    const since = p1.metadata.resourceVersion ?? '';
    for (const answer of [
      await cluster.send('PUT', `${CLASSES}/p1`, { ...p1, value: 10 }),
      await cluster.send('PATCH', `${CLASSES}/p1`, { value: 10 }, MERGE),
    ]) {
      expect([answer.code, answer.json()['message']]).toEqual([
        422,
        'PriorityClass.scheduling.k8s.io "p1" is invalid: value: Forbidden: may not be changed in an update.',
      ]);
    }
    const described = await cluster.send('PUT', `${CLASSES}/p1`, { ...p1, description: 'updated' });
    expect(described.json()).toMatchObject({ description: 'updated', value: 1 });
    const watch = await cluster.watch(`${CLASSES}?watch=true&labelSelector=e2e%3Dp&resourceVersion=${since}`);
    await cluster.send('DELETE', `${CLASSES}?labelSelector=e2e%3Dp`, undefined);
    const events = (await watch.take(4)) as readonly { readonly type: string; readonly object: KubeObject }[];
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`)).toEqual([
      'ADDED p2',
      'MODIFIED p1',
      'DELETED p1',
      'DELETED p2',
    ]);
    watch.end();
    expect((await cluster.ask(`${CLASSES}?labelSelector=e2e%3Dp`)).json()['items']).toEqual([]);
  });
});
