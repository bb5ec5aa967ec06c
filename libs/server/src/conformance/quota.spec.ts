import type { Controller, KubeObject } from '#libs/apimachinery';
import { resourceQuotaController } from '#libs/controllers';
import { aConfigMap, aPod, aService, startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

type Amounts = Readonly<Record<string, string>>;

interface Quota extends KubeObject {
  readonly spec: { readonly hard: Amounts };
  readonly status: { readonly hard?: Amounts; readonly used?: Amounts };
}

const CORE = '/api/v1/namespaces/default';
const QUOTAS = `${CORE}/resourcequotas`;
const MERGE = 'application/merge-patch+json';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ controllers: [resourceQuotaController as unknown as Controller] });
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(() => cluster.close());

const get = async (name: string): Promise<Quota> => (await cluster.ask(`${QUOTAS}/${name}`)).json<Quota & Record<string, unknown>>();
const isUsed = (name: string, used: Amounts): Promise<void> =>
  cluster.until(async () => {
    const now = (await get(name)).status.used ?? {};
    return Object.entries(used).every(([what, amount]) => now[what] === amount);
  });
const nothing = (hard: Amounts): Amounts => Object.fromEntries(Object.keys(hard).map((what) => [what, '0']));

/** A quota whose use has been counted. */
async function quota(name: string, hard: Amounts, spec: object = {}): Promise<void> {
  const made = await cluster.post(QUOTAS, { metadata: { name, labels: { test: name } }, spec: { hard, ...spec } });
  if (made.code !== 201) throw new Error(made.text);
  await cluster.until(async () => (await get(name)).status.used !== undefined);
}
const gone = (path: string): Promise<TestAnswer> => cluster.send('DELETE', path, undefined);
const messageOf = (answer: TestAnswer): unknown => answer.json()['message'];

const withResources = (name: string, requests: Amounts, limits: Amounts = requests, spec: object = {}): KubeObject =>
  aPod(name, { containers: [{ name: 'main', image: 'i:1', resources: { requests, limits } }], ...spec });
const replicated = (apiVersion: string, kind: string, selector: object): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'one' },
    spec: {
      replicas: 0,
      selector,
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    },
  }) as KubeObject;

describe('a quota', () => {
  it('says what is used as soon as it is made', async () => {
    const hard = { pods: '5', services: '10', 'requests.cpu': '1', 'count/replicasets.apps': '5' };
    await quota('first', hard);
    expect((await get('first')).status).toEqual({ hard, used: nothing(hard) });
    await gone(`${QUOTAS}/first`);
  });

  const LIVES: readonly (readonly [string, string, KubeObject, Amounts])[] = [
    ['a config map', `${CORE}/configmaps`, aConfigMap('one'), { configmaps: '1' }],
    ['a Secret', `${CORE}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' } }, { secrets: '1' }],
    [
      'a ReplicaSet',
      '/apis/apps/v1/namespaces/default/replicasets',
      replicated('apps/v1', 'ReplicaSet', { matchLabels: { app: 'x' } }),
      { 'count/replicasets.apps': '1' },
    ],
    [
      'a ReplicationController',
      `${CORE}/replicationcontrollers`,
      replicated('v1', 'ReplicationController', { app: 'x' }),
      { replicationcontrollers: '1' },
    ],
    [
      'a pod',
      `${CORE}/pods`,
      withResources('one', { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi' }),
      { pods: '1', 'requests.cpu': '500m', memory: '252Mi', 'requests.ephemeral-storage': '30Gi' },
    ],
  ];
  it.each(LIVES)('counts the life of %s', async (_, path, object, used) => {
    await quota('life', used);
    expect((await cluster.post(path, object)).code).toBe(201);
    await isUsed('life', used);
    const second = await cluster.post(path, { ...object, metadata: { ...object.metadata, name: 'two' } });
    expect([second.code, messageOf(second)]).toEqual([
      403,
      expect.stringContaining('"two" is forbidden: exceeded quota: life, requested: '),
    ]);
    await gone(`${path}/one`);
    await isUsed('life', nothing(used));
    await gone(`${QUOTAS}/life`);
  });

  it('counts the life of a Service, its node ports and its load balancer too', async () => {
    await quota('services', { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '1' });
    const services = `${CORE}/services`;
    expect((await cluster.post(services, aService('plain'))).code).toBe(201);
    expect((await cluster.post(services, aService('ported', { type: 'NodePort' }))).code).toBe(201);
    await isUsed('services', { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
    const balanced = await cluster.post(services, aService('balanced', { type: 'LoadBalancer' }));
    expect(messageOf(balanced)).toContain('exceeded quota: services');
    await gone(`${services}/plain`);
    await gone(`${services}/ported`);
    await isUsed('services', { services: '0', 'services.nodeports': '0' });
    await gone(`${QUOTAS}/services`);
  });

  it('counts quotas, itself first', async () => {
    await quota('self', { resourcequotas: '1' });
    await isUsed('self', { resourcequotas: '1' });
    const second = await cluster.post(QUOTAS, { metadata: { name: 'second' }, spec: { hard: { pods: '1' } } });
    expect(messageOf(second)).toBe(
      'resourcequotas "second" is forbidden: exceeded quota: self, requested: resourcequotas=1, used: resourcequotas=1, limited: resourcequotas=1',
    );
    await gone(`${QUOTAS}/self`);
  });

  it('refuses a pod that exceeds it in one resource, extended ones too, and lets none grow', async () => {
    await quota('pods', { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi', 'requests.example.com/dongle': '3' });
    const pods = `${CORE}/pods`;
    const first = withResources('first', { cpu: '500m', memory: '252Mi', 'example.com/dongle': '2' });
    expect((await cluster.post(pods, first)).code).toBe(201);
    for (const [what, amounts] of [
      ['requests.cpu=600m', { cpu: '600m', memory: '100Mi' }],
      ['requests.example.com/dongle=2', { cpu: '100m', memory: '100Mi', 'example.com/dongle': '2' }],
    ] as const) {
      const refused = await cluster.post(pods, withResources('second', amounts));
      expect([refused.code, messageOf(refused)]).toEqual([403, expect.stringContaining(`exceeded quota: pods, requested: ${what}`)]);
    }
    const patch = { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '100m' } } }] } };
    expect((await cluster.send('PATCH', `${pods}/first`, patch, 'application/strategic-merge-patch+json')).code).toBe(422);
    await isUsed('pods', { pods: '1', 'requests.cpu': '500m', 'requests.example.com/dongle': '2' });
    await gone(`${pods}/first`);
    await isUsed('pods', { pods: '0', 'requests.cpu': '0', 'requests.memory': '0', 'requests.example.com/dongle': '0' });
    await gone(`${QUOTAS}/pods`);
  });

  const SCOPES: readonly (readonly [string, string, KubeObject, KubeObject])[] = [
    ['BestEffort', 'NotBestEffort', aPod('in'), withResources('in', { cpu: '500m', memory: '200Mi' })],
    [
      'Terminating',
      'NotTerminating',
      withResources('in', { cpu: '500m', memory: '200Mi' }, undefined, { activeDeadlineSeconds: 3600 }),
      withResources('in', { cpu: '500m', memory: '200Mi' }),
    ],
  ];
  it.each(SCOPES)('of the scope %s counts what one of %s does not', async (scope, other, inScope, outside) => {
    await quota('scoped', { pods: '5' }, { scopes: [scope] });
    await quota('other', { pods: '5' }, { scopes: [other] });
    for (const [pod, scoped, others] of [
      [inScope, '1', '0'],
      [outside, '0', '1'],
    ] as const) {
      expect((await cluster.post(`${CORE}/pods`, pod)).code).toBe(201);
      await isUsed('scoped', { pods: scoped });
      await isUsed('other', { pods: others });
      await gone(`${CORE}/pods/in`);
      await isUsed('scoped', { pods: '0' });
      await isUsed('other', { pods: '0' });
    }
    await cluster.send('DELETE', QUOTAS, undefined);
  });
});

describe('a quota as an object', () => {
  it('is made, updated and deleted', async () => {
    await quota('updated', { cpu: '1', memory: '500Mi' });
    const made = await get('updated');
    const spec = { hard: { cpu: '2', memory: '1Gi' } };
    expect((await cluster.send('PUT', `${QUOTAS}/updated`, { ...made, spec })).json()).toMatchObject({ spec });
    await cluster.until(async () => (await get('updated')).status.hard?.['cpu'] === '2');
    expect((await gone(`${QUOTAS}/updated`)).code).toBe(200);
    expect((await cluster.ask(`${QUOTAS}/updated`)).code).toBe(404);
  });

  it('is listed in all namespaces, patched and deleted with others of its label', async () => {
    await quota('listed', { pods: '5' });
    const everywhere = '/api/v1/resourcequotas?labelSelector=test%3Dlisted';
    const names = async (): Promise<readonly unknown[]> =>
      (await cluster.ask(everywhere)).json<{ items: readonly KubeObject[] }>().items.map(({ metadata }) => metadata.name);
    expect(await names()).toEqual(['listed']);
    const patch = { metadata: { labels: { patched: 'yes' } }, spec: { hard: { memory: '750Mi' } } };
    expect((await cluster.send('PATCH', `${QUOTAS}/listed`, patch, MERGE)).json()).toMatchObject({
      metadata: { labels: { test: 'listed', patched: 'yes' } },
      spec: { hard: { pods: '5', memory: '750Mi' } },
    });
    await cluster.send('DELETE', `${QUOTAS}?labelSelector=test%3Dlisted`, undefined);
    expect(await names()).toEqual([]);
  });

  it('has a status that is updated, patched and put right again by who counts', async () => {
    await quota('stated', { cpu: '500m', memory: '500Mi' });
    const at = `${QUOTAS}/stated/status`;
    const now = (await cluster.ask(at)).json<Quota & Record<string, unknown>>();
    const hard = { cpu: '2', memory: '2Gi' };
    const watch = await cluster.watch(
      `${QUOTAS}?watch=true&fieldSelector=metadata.name=stated&resourceVersion=${now.metadata.resourceVersion ?? ''}`,
    );
    expect((await cluster.send('PUT', at, { ...now, status: { ...now.status, hard } })).json()).toMatchObject({
      spec: now.spec,
      status: { hard },
    });
    expect(await watch.take(2)).toMatchObject([
      { type: 'MODIFIED', object: { status: { hard } } },
      { type: 'MODIFIED', object: { status: { hard: now.spec.hard } } },
    ]);
    const patched = await cluster.send('PATCH', at, { status: { hard: { cpu: '7' } } }, MERGE);
    expect(patched.json()).toMatchObject({ status: { hard: { cpu: '7', memory: '500Mi' } } });
    expect(await watch.take(2)).toMatchObject([
      { object: { status: { hard: { cpu: '7' } } } },
      { object: { status: { hard: { cpu: '500m' } } } },
    ]);
    watch.end();
    await gone(`${QUOTAS}/stated`);
  });
});
