import { NAMESPACES, NODECLAIMS, NODES, PODS, SERVICEACCOUNTS, type NodeClaim } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, aPod, aServiceAccount, definedAs, MemoryCluster, refusalOf, type ChangedObject } from '#libs/testing';

let cluster: MemoryCluster;

const aNode = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
const binding = (name: string, node: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace: 'default' }, target: { kind: 'Node', name: node } }) as KubeObject;
const sized = (cpu: string): object => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
});
const named = (name: string, namespace = 'default') => ({ namespace, name });

const bind = (name: string, node = 'n', options = {}) =>
  cluster.create(PODS, binding(name, node), { ...named(name), subresource: 'binding', options });
/** Where the claim of the node stands, and how many pods came; undefined: there is none. */
async function claimOf(node = 'n'): Promise<readonly [version: string | undefined, pods: number] | undefined> {
  const claim = (await cluster.get(NODECLAIMS, '', node)) as NodeClaim | undefined;
  return claim && [claim.metadata.resourceVersion, claim.spec.pods];
}

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
  await cluster.create(SERVICEACCOUNTS, aServiceAccount('default'));
  await cluster.create(NODES, aNode('n'));
  for (const name of ['a', 'b']) await cluster.create(PODS, aPod(name, sized('1')));
});
afterEach(() => cluster.stop());

const setPhase = (phase: string) =>
  cluster.update(PODS, { ...named('a'), subresource: 'status' }, (old: ChangedObject) => ({ ...old, status: { ...old.status, phase } }));
const resize = (cpu: string) =>
  cluster.update(PODS, { ...named('a'), subresource: 'resize' }, (old: ChangedObject) => {
    const { containers = [] } = (old.spec ?? {}) as { readonly containers?: readonly object[] };
    return { ...old, spec: { ...old.spec, containers: containers.map((one) => ({ ...one, resources: { requests: { cpu } } })) } };
  });

describe('the claim of a node', () => {
  it('comes with the first pod that comes to it, in one append', async () => {
    const { sequence = 0 } = await bind('a');
    expect(await claimOf()).toEqual([String(sequence + 1), 1]);
    expect(await claimOf('other')).toBeUndefined();
  });

  it.each<[string, () => Promise<unknown>, number]>([
    ['another pod is bound to it', () => bind('b'), 1],
    ['a pod is made on it', () => cluster.create(PODS, aPod('c', { nodeName: 'n' })), 1],
    ['a pod on it asks for more', () => resize('2'), 0],
  ])('moves when %s', async (_title, act, pods) => {
    await bind('a');
    const before = await claimOf();
    await act();
    const after = await claimOf();
    expect(after?.[0]).not.toBe(before?.[0]);
    expect(after?.[1]).toBe(1 + pods);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a pod is bound to another', () => bind('b', 'm')],
    ['a pod on it asks for less', () => resize('500m')],
    ['a pod on it reports', () => setPhase('Running')],
    ['a pod on it ends', () => setPhase('Succeeded')],
    ['a pod on it goes', () => cluster.write('delete', PODS, { ...named('a'), options: { gracePeriodSeconds: 0 } })],
    ['a binding is only tried', () => bind('b', 'n', { dryRun: true })],
  ])('stays where it is when %s', async (_title, act) => {
    await bind('a');
    const before = await claimOf();
    await act();
    expect(await claimOf()).toEqual(before);
  });

  it('goes with the node, and comes again with the next of that name', async () => {
    await bind('a');
    await cluster.write('delete', NODES, { name: 'n' });
    expect(await claimOf()).toBeUndefined();
    await cluster.create(NODES, aNode('n'));
    await bind('b');
    expect((await claimOf())?.[1]).toBe(1);
  });

  it('of a pod that is bound many times at once moves once', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => bind('a')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await claimOf())?.[1]).toBe(1);
  });
});

describe('a binding that stands on a claim', () => {
  const bindOn = (claim: string | undefined, ...names: readonly string[]) =>
    cluster.writePath.transact(
      names.map((name) => ({
        verb: 'create',
        definition: definedAs(PODS),
        subresource: 'binding',
        ...named(name),
        object: binding(name, 'n'),
        basis: { resource: NODECLAIMS, name: 'n', ...(claim === undefined ? {} : { resourceVersion: claim }) },
        options: {},
        requester: { actor: { user: 'system:kube-scheduler' } },
      })),
    );
  const nodesOf = () =>
    cluster.view.entries(PODS).map(({ object }) => (object as KubeObject & { spec: { nodeName?: string } }).spec.nodeName);

  it('is one append with the others of its node, and moves the claim once', async () => {
    const { last } = await bindOn(undefined, 'a', 'b');
    expect(await claimOf()).toEqual([String(last), 2]);
    expect(nodesOf()).toEqual(['n', 'n']);
  });

  it('holds where the claim stands as it did', async () => {
    await bind('a');
    await bindOn((await claimOf())?.[0], 'b');
    expect((await claimOf())?.[1]).toBe(2);
  });

  it.each<[string, () => Promise<string | undefined>]>([
    ['somebody else brought a pod', async () => undefined],
    [
      'the node went and came again',
      async () => {
        const [version] = (await claimOf()) ?? [];
        await cluster.write('delete', NODES, { name: 'n' });
        await cluster.create(NODES, aNode('n'));
        return version;
      },
    ],
  ])('is refused where %s, and nothing is written', async (_title, act) => {
    await bind('a');
    const decidedOn = await act();
    expect(await refusalOf(bindOn(decidedOn, 'b'))).toMatchObject({ reason: 'Conflict' });
    await cluster.settled();
    expect(nodesOf()).toEqual(['n', undefined]);
  });
});
