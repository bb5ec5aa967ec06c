import type { Controller, KubeObject } from '#libs/apimachinery';
import { disruptionController, replicationControllers } from '#libs/controllers';
import { aPod, startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

const CORE = '/api/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';
const BATCH = '/apis/batch/v1/namespaces/default';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const MERGE = 'application/merge-patch+json';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ controllers: [...replicationControllers, disruptionController as unknown as Controller] });
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
  for (const name of ['n1', 'n2']) {
    await ask('POST', '/api/v1/nodes', { metadata: { name } });
    // Nobody here takes the taint of a node that is not ready yet.
    await ask('PATCH', `/api/v1/nodes/${name}`, { spec: { taints: null } }, MERGE);
  }
});
afterAll(() => cluster.close());

type Workload = KubeObject & { readonly spec: Readonly<Record<string, unknown>> };

async function ask<T = Workload>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
  const answer = await (method === 'GET' ? cluster.ask(path) : cluster.send(method, path, body, type));
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<T & Record<string, unknown>>();
}
const labelled = async (path: string, app: string): Promise<readonly KubeObject[]> =>
  (await ask<{ items: readonly KubeObject[] }>('GET', `${path}?labelSelector=app%3D${app}`)).items;
const pods = (app: string): Promise<readonly KubeObject[]> => labelled(`${CORE}/pods`, app);
const hasPods = (app: string, count: number): Promise<void> => cluster.until(async () => (await pods(app)).length === count);

const templateOf = (app: string, spec: object = {}): object => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
});
const selected = (app: string): object => ({ selector: { matchLabels: { app } }, template: templateOf(app) });

describe.each<[string, string, (app: string) => object]>([
  ['ReplicationController', `${CORE}/replicationcontrollers`, (app) => ({ selector: { app }, template: templateOf(app) })],
  ['ReplicaSet', `${APPS}/replicasets`, selected],
  ['Deployment', `${APPS}/deployments`, selected],
  ['StatefulSet', `${APPS}/statefulsets`, (app) => ({ ...selected(app), serviceName: app, podManagementPolicy: 'Parallel' })],
])('a %s', (kind, collection, specOf) => {
  const app = kind.toLowerCase();
  const path = `${collection}/${app}`;

  it('is made, patched and replaced, and its pods follow', async () => {
    await ask('POST', collection, { metadata: { name: app, labels: { app } }, spec: { ...specOf(app), replicas: 1 } });
    await hasPods(app, 1);
    const patched = await ask('PATCH', path, { metadata: { labels: { patched: 'yes' } }, spec: { replicas: 3 } }, MERGE);
    expect(patched).toMatchObject({ metadata: { labels: { app, patched: 'yes' } }, spec: { replicas: 3 } });
    await hasPods(app, 3);
    await cluster.until(async () => {
      const found = await ask('GET', path);
      const answer = await cluster.send('PUT', path, { ...found, spec: { ...found.spec, replicas: 2 } });
      if (answer.code !== 200 && answer.code !== 409) throw new Error(answer.text);
      return answer.code === 200;
    });
    await hasPods(app, 2);
  });

  it('is listed in all namespaces, and deleted with all of its label, its pods with it', async () => {
    const everywhere = collection.replace('/namespaces/default', '');
    expect((await labelled(everywhere, app)).map(({ metadata }) => metadata.name)).toEqual([app]);
    await ask('POST', collection, { metadata: { name: `${app}-other` }, spec: { ...specOf(`${app}-other`), replicas: 0 } });
    // Who says nothing leaves the pods of a ReplicationController behind.
    await ask('DELETE', `${collection}?labelSelector=app%3D${app}&propagationPolicy=Background`);
    expect(await labelled(everywhere, app)).toEqual([]);
    expect((await ask('GET', `${collection}/${app}-other`)).metadata.name).toBe(`${app}-other`);
    await hasPods(app, 0);
  });
});

describe('a DaemonSet', () => {
  it('runs a pod on each node, and goes with all of its label', async () => {
    await ask('POST', `${APPS}/daemonsets`, { metadata: { name: 'daemon', labels: { app: 'daemon' } }, spec: selected('daemon') });
    await hasPods('daemon', 2);
    expect((await labelled('/apis/apps/v1/daemonsets', 'daemon')).length).toBe(1);
    await ask('DELETE', `${APPS}/daemonsets?labelSelector=app%3Ddaemon`);
    await hasPods('daemon', 0);
  });

  it('keeps its template as a revision, which is patched, made again where it is deleted, and deleted with others', async () => {
    const revisions = `${APPS}/controllerrevisions`;
    await ask('POST', `${APPS}/daemonsets`, { metadata: { name: 'kept' }, spec: selected('kept') });
    await cluster.until(async () => (await labelled(revisions, 'kept')).length === 1);
    const [first] = await labelled(revisions, 'kept');
    const path = `${revisions}/${first?.metadata.name ?? ''}`;
    await ask('PATCH', path, { metadata: { labels: { patched: 'yes' } } }, MERGE);
    expect((await ask('GET', path)).metadata.labels).toMatchObject({ app: 'kept', patched: 'yes' });
    await ask('DELETE', `${revisions}?labelSelector=patched%3Dyes`);
    await cluster.until(async () => {
      const now = await labelled(revisions, 'kept');
      return now.length === 1 && now[0]?.metadata.uid !== first?.metadata.uid;
    });
  });
});

describe('a Job', () => {
  const template = templateOf('job', { restartPolicy: 'Never' });

  it('waits while it is suspended, runs when it is resumed, and goes with its pods', async () => {
    const path = `${BATCH}/jobs/job`;
    const spec = { suspend: true, parallelism: 2, completions: 4, backoffLimit: 6, template };
    await ask('POST', `${BATCH}/jobs`, { metadata: { name: 'job', labels: { app: 'job' } }, spec });
    await cluster.until(async () => JSON.stringify((await ask<{ status: object }>('GET', path)).status).includes('"Suspended"'));
    expect(await pods('job')).toEqual([]);
    await ask('PATCH', path, { metadata: { labels: { patched: 'yes' } }, spec: { suspend: false } }, MERGE);
    await hasPods('job', 2);
    expect((await labelled('/apis/batch/v1/jobs', 'job')).length).toBe(1);
    await ask('DELETE', `${BATCH}/jobs?labelSelector=patched%3Dyes&propagationPolicy=Foreground`);
    await hasPods('job', 0);
    await cluster.until(async () => (await cluster.ask(path)).code === 404);
  });
});

describe('a disruption budget', () => {
  const evict = (name: string): Promise<TestAnswer> => cluster.post(`${CORE}/pods/${name}/eviction`, { metadata: { name } });
  const allows = (disruptions: number): Promise<void> =>
    cluster.until(async () => {
      const { status, metadata } = await ask<KubeObject & { status: Record<string, unknown> }>('GET', `${BUDGETS}/budget`);
      return status['disruptionsAllowed'] === disruptions && status['observedGeneration'] === metadata.generation;
    });

  it('blocks an eviction until it is updated, patched or deleted', async () => {
    for (const name of ['e1', 'e2', 'e3']) {
      const { spec } = aPod(name, { nodeName: 'n1', terminationGracePeriodSeconds: 0 }) as Workload;
      await ask('POST', `${CORE}/pods`, { metadata: { name, labels: { app: 'evicted' } }, spec });
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      await ask('PATCH', `${CORE}/pods/${name}/status`, { status }, MERGE);
    }
    await ask('POST', BUDGETS, { metadata: { name: 'budget' }, spec: { minAvailable: 3, selector: { matchLabels: { app: 'evicted' } } } });
    await allows(0);
    expect((await evict('e1')).json()).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget' }] },
    });
    const found = await ask('GET', `${BUDGETS}/budget`);
    await ask('PUT', `${BUDGETS}/budget`, { ...found, spec: { ...found.spec, minAvailable: 2 } });
    await allows(1);
    expect((await evict('e1')).code).toBe(201);
    await cluster.until(async () => (await cluster.ask(`${CORE}/pods/e1`)).code === 404);
    await allows(0);
    expect((await evict('e2')).code).toBe(429);
    await ask('PATCH', `${BUDGETS}/budget`, { spec: { minAvailable: 1 } }, MERGE);
    await allows(1);
    expect((await evict('e2')).code).toBe(201);
    await allows(0);
    expect((await evict('e3')).code).toBe(429);
    await ask('DELETE', `${BUDGETS}/budget`);
    expect((await evict('e3')).code).toBe(201);
  });

  it('protects nobody once it is deleted with others of its label', async () => {
    for (const name of ['b1', 'b2']) {
      await ask('POST', BUDGETS, {
        metadata: { name, labels: { set: 'b' } },
        spec: { minAvailable: 1, selector: { matchLabels: { set: 'b' } } },
      });
    }
    const { items } = await ask<{ items: readonly KubeObject[] }>('GET', '/apis/policy/v1/poddisruptionbudgets?labelSelector=set%3Db');
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['b1', 'b2']);
    await ask('DELETE', `${BUDGETS}?labelSelector=set%3Db`);
    expect((await ask<{ items: readonly KubeObject[] }>('GET', `${BUDGETS}?labelSelector=set%3Db`)).items).toEqual([]);
  });
});
