import type { KubeObject, OwnerReference } from '#libs/apimachinery';
import { replicationControllers } from '#libs/controllers';
import { aPod, startCustomResources, type CustomResources } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const CORE = '/api/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';
const MERGE = 'application/merge-patch+json';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ controllers: replicationControllers });
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(() => cluster.close());

const labelled = async (path: string, app: string): Promise<readonly KubeObject[]> =>
  (await cluster.ask(`${path}?labelSelector=app%3D${app}`)).json<{ items: readonly KubeObject[] }>().items;
const podsOf = (app: string): Promise<readonly KubeObject[]> => labelled(`${CORE}/pods`, app);
const codeOf = async (path: string): Promise<number> => (await cluster.ask(path)).code;
const isGone = async (path: string): Promise<boolean> => (await codeOf(path)) === 404;
const ownersOf = ({ metadata }: KubeObject): readonly string[] => (metadata.ownerReferences ?? []).map(({ name }) => name);

const templateOf = (app: string): object => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } });

/** A ReplicationController with its two pods, made. */
async function controllerOf(app: string, template: object = templateOf(app)): Promise<KubeObject> {
  const body = { metadata: { name: app, labels: { app } }, spec: { replicas: 2, selector: { app }, template } };
  const made = await cluster.post(`${CORE}/replicationcontrollers`, body);
  await cluster.until(async () => (await podsOf(app)).length === 2);
  return made.json();
}

/** A Deployment with its ReplicaSet and two pods, made. */
async function deploymentOf(app: string): Promise<void> {
  const spec = { replicas: 2, selector: { matchLabels: { app } }, template: templateOf(app) };
  await cluster.post(`${APPS}/deployments`, { metadata: { name: app }, spec });
  await cluster.until(async () => (await podsOf(app)).length === 2);
}

const remove = async (path: string, propagationPolicy: string): Promise<number> =>
  (await cluster.send('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy })).code;

const referenceTo = ({ metadata }: KubeObject, kind: string): OwnerReference => ({
  apiVersion: 'v1',
  kind,
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
});

describe('a deletion in the background', () => {
  it('of a ReplicationController takes its pods along', async () => {
    await controllerOf('back');
    expect(await remove(`${CORE}/replicationcontrollers/back`, 'Background')).toBe(200);
    expect(await codeOf(`${CORE}/replicationcontrollers/back`)).toBe(404);
    await cluster.until(async () => (await podsOf('back')).length === 0);
  });

  it('of a Deployment takes its ReplicaSet and their pods along', async () => {
    await deploymentOf('deep');
    expect(await labelled(`${APPS}/replicasets`, 'deep')).toHaveLength(1);
    expect(await remove(`${APPS}/deployments/deep`, 'Background')).toBe(200);
    await cluster.until(async () => (await labelled(`${APPS}/replicasets`, 'deep')).length === 0);
    await cluster.until(async () => (await podsOf('deep')).length === 0);
  });
});

describe('a deletion that leaves orphans', () => {
  it('of a ReplicationController leaves its pods, who have no owner then', async () => {
    await controllerOf('left');
    expect(await remove(`${CORE}/replicationcontrollers/left`, 'Orphan')).toBe(200);
    await cluster.until(() => isGone(`${CORE}/replicationcontrollers/left`));
    expect((await podsOf('left')).map(ownersOf)).toEqual([[], []]);
  });

  it('of a Deployment leaves its ReplicaSet, which has no owner then but still its pods', async () => {
    await deploymentOf('parted');
    await remove(`${APPS}/deployments/parted`, 'Orphan');
    await cluster.until(() => isGone(`${APPS}/deployments/parted`));
    const [left] = await labelled(`${APPS}/replicasets`, 'parted');
    expect(left && ownersOf(left)).toEqual([]);
    expect((await podsOf('parted')).map(ownersOf)).toEqual([[left?.metadata.name], [left?.metadata.name]]);
  });
});

describe('a deletion in the foreground', () => {
  const held = (app: string): object => ({ ...templateOf(app), metadata: { labels: { app }, finalizers: ['example.com/held'] } });
  const release = async (app: string): Promise<void> => {
    for (const { metadata } of await podsOf(app)) {
      await cluster.send('PATCH', `${CORE}/pods/${metadata.name ?? ''}`, { metadata: { finalizers: null } }, MERGE);
    }
  };

  it('keeps the owner until the last of what it owns is gone', async () => {
    await controllerOf('front', held('front'));
    await remove(`${CORE}/replicationcontrollers/front`, 'Foreground');
    await cluster.until(async () => (await podsOf('front')).every(({ metadata }) => metadata.deletionTimestamp !== undefined));
    expect((await cluster.ask(`${CORE}/replicationcontrollers/front`)).json()).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) as string, finalizers: ['foregroundDeletion'] },
    });
    await release('front');
    await cluster.until(() => isGone(`${CORE}/replicationcontrollers/front`));
    expect(await podsOf('front')).toEqual([]);
  });

  it('leaves what another owner still wants, and takes only the reference away', async () => {
    await controllerOf('goes', held('goes'));
    const stays = await controllerOf('stays');
    const [shared] = await podsOf('goes');
    const path = `${CORE}/pods/${shared?.metadata.name ?? ''}`;
    const ownerReferences = [...(shared?.metadata.ownerReferences ?? []), referenceTo(stays, 'ReplicationController')];
    expect((await cluster.send('PATCH', path, { metadata: { ownerReferences } }, MERGE)).code).toBe(200);
    await remove(`${CORE}/replicationcontrollers/goes`, 'Foreground');
    await cluster.until(async () => ownersOf((await cluster.ask(path)).json<KubeObject & Json>()).length === 1);
    const kept = (await cluster.ask(path)).json<KubeObject & Json>();
    expect([ownersOf(kept), kept.metadata.deletionTimestamp]).toEqual([['stays'], undefined]);
    await release('goes');
    await cluster.until(() => isGone(`${CORE}/replicationcontrollers/goes`));
    expect((await podsOf('goes')).map(({ metadata }) => metadata.name)).toEqual([shared?.metadata.name]);
  });

  it('is not held up by owners in a circle', async () => {
    const names = ['circle-1', 'circle-2', 'circle-3'];
    const made: KubeObject[] = [];
    for (const name of names) made.push((await cluster.post(`${CORE}/pods`, aPod(name))).json<KubeObject & Json>());
    for (const [i, name] of names.entries()) {
      const owner = made[(i + 2) % 3] as KubeObject;
      const reference = { ...referenceTo(owner, 'Pod'), controller: true, blockOwnerDeletion: true };
      await cluster.send('PATCH', `${CORE}/pods/${name}`, { metadata: { ownerReferences: [reference] } }, MERGE);
    }
    await remove(`${CORE}/pods/circle-1`, 'Foreground');
    for (const name of names) await cluster.until(() => isGone(`${CORE}/pods/${name}`));
  });
});
