import { definitionByKind, definitionOf, NAMESPACES, type ResourceDefinition } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { decodeObject } from '#libs/log';
import type { WriteRequest } from '#libs/registry';
import { SimulatedCluster } from '#libs/simulation';
import { LogHistory } from '#libs/testing';
import { touchesField } from '../difference.js';
import { revisionOf } from '../revision.js';
import type { Revision } from '../wire.js';
import { explain, type Explanation, type Question } from './explain.js';
import type { Look } from './look.js';

const NAMESPACE = 'prod';

/** A cluster in memory with the real controllers, people who work on it, and its log to look things up in. */
class Story {
  private constructor(
    readonly cluster: SimulatedCluster,
    private readonly log: LogHistory,
  ) {}

  static async begin(nodes: readonly string[] = ['node-1']): Promise<Story> {
    const cluster = await SimulatedCluster.start();
    const failingImages = new Map([['web:broken', 'manifest for web:broken not found']]);
    for (const [k, name] of nodes.entries()) cluster.startNode({ name, podPrefix: `10.64.${k + 1}`, failingImages });
    const story = new Story(cluster, new LogHistory(cluster.log));
    await story.as('admin', { verb: 'create', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } } });
    return story;
  }

  async as(user: string, request: Partial<WriteRequest> & { verb: WriteRequest['verb']; of?: GroupVersionResource }): Promise<void> {
    const { of, ...rest } = request;
    const { apiVersion = '', kind = '' } = (request.object ?? {}) as Partial<KubeObject>;
    const definition = (of ? definitionOf(of) : definitionByKind(apiVersion, kind)) as ResourceDefinition;
    await this.cluster.writePath.execute({
      definition,
      ...(definition.scope === 'Namespaced' ? { namespace: NAMESPACE } : {}),
      options: {},
      requester: { actor: { user }, agent: 'kubectl/v1.36.0', sourceAddress: '10.0.0.5' },
      ...rest,
    });
    await this.cluster.settle();
  }

  names(kind: string): readonly string[] {
    const definition = definitionByKind(kind === 'ReplicaSet' ? 'apps/v1' : 'v1', kind);
    return definition ? this.cluster.view.list(definition.resource, NAMESPACE).map(({ metadata }) => metadata.name ?? '') : [];
  }

  async why(group: string, resource: string, name: string, more: Partial<Question> = {}): Promise<Explanation> {
    const namespace = resource === 'nodes' ? {} : { namespace: NAMESPACE };
    const asking = explain({ of: { group, resource, name, ...namespace }, now: this.cluster.world.now(), ...more });
    let step = asking.next();
    while (step.done !== true) step = asking.next(await this.found(step.value));
    if (step.value === undefined) throw new Error(`${name} has no history`);
    return step.value;
  }

  private async found(look: Look): Promise<unknown> {
    if (look.kind === 'revisions') {
      const { of, changed, until, limit } = look;
      const newest = until === undefined ? {} : { until: Date.parse(until) };
      const rows = await this.log.revisions({ ...of, ...newest, limit: Infinity, withBefore: true });
      const all = rows.map(revisionOf);
      const fits = ({ changes = [] }: Revision): boolean => changed === undefined || changes.some((one) => touchesField(one, changed));
      return all.filter(fits).slice(0, limit);
    }
    if (look.kind === 'cause') {
      const [stream, sequence] = (look.of.cause ?? '').split(':');
      const before = await this.log.revision(stream as Revision['stream'], Number(sequence), true);
      return before && { chain: [{ revision: revisionOf(before) }, { revision: look.of }] };
    }
    if (look.kind === 'pods') {
      const rows = await this.log.listAt({ group: '', version: 'v1', resource: 'pods' }, look.namespace, look.at);
      return rows
        .map(({ body, sequence }) => decodeObject(body, sequence))
        .filter(({ metadata }) => Object.entries(look.labels).every(([key, value]) => metadata.labels?.[key] === value));
    }
    const { group = '', resource = '', namespace = '', name = '' } = look.of;
    const row = await this.log.getAt({ group, version: 'v1', resource }, namespace, name, look.at);
    return row && decodeObject(row.body, row.sequence);
  }
}

let story: Story;
afterEach(() => story.cluster.stop());

const labels = { app: 'web' };
const template = (image: string, spec: object = {}): object => ({
  metadata: { labels },
  spec: { containers: [{ name: 'app', image }], ...spec },
});
const deployment = (replicas: number, image = 'web:1', spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: NAMESPACE },
  spec: { replicas, selector: { matchLabels: labels }, template: template(image, spec) },
});
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const PODS = { group: '', version: 'v1', resource: 'pods' };
const merge = (body: object): { patch: { type: 'merge'; body: object } } => ({ patch: { type: 'merge', body } });
const image = (name: string) =>
  ({ patch: { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } } } } }) as const;

/** Names that were drawn are told by what they are. */
const known = (text: string): string => text.replace(/web-[0-9a-f]{8,10}-[a-z0-9]{5}/g, 'web-POD').replace(/web-[0-9a-f]{8,10}/g, 'web-RS');
const told = ({ steps }: Explanation): readonly string[] => steps.map(({ who, did }) => known(`${who} ${did}`));

describe('why a pod was deleted', () => {
  it('is its Deployment, scaled down by somebody', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(2) });
    const before = story.names('Pod');
    await story.as('bob', { verb: 'patch', of: DEPLOYMENTS, name: 'web', subresource: 'scale', ...merge({ spec: { replicas: 1 } }) });
    const gone = before.find((name) => !story.names('Pod').includes(name)) ?? '';
    const why = await story.why('', 'pods', gone);
    expect(known(why.headline)).toBe('Pod web-POD was deleted 0s ago, because bob scaled Deployment web from 2 to 1.');
    expect(told(why)).toEqual([
      'bob scaled Deployment web from 2 to 1',
      'the Deployment controller scaled ReplicaSet web-RS from 2 to 1: Deployment web is to have fewer pods',
      'the ReplicaSet controller deleted Pod web-POD: ReplicaSet web-RS is to have fewer pods',
      'the kubelet of node-1 removed Pod web-POD: its containers had ended',
    ]);
    expect(why.steps[0]).toMatchObject({ from: 'with kubectl from 10.0.0.5' });
  });

  it('is another image, though a kubelet’s report let the rollout go on', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(2) });
    const [first = ''] = story.names('Pod');
    await story.as('bob', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...image('web:2') });
    expect(told(await story.why('', 'pods', first)).slice(0, 3)).toEqual([
      'bob changed Deployment web: image: web:1 -> web:2 (container app)',
      expect.stringMatching(
        /^the Deployment controller scaled ReplicaSet web-RS from \d to \d, to roll out the new template of Deployment web$/,
      ),
      'the ReplicaSet controller deleted Pod web-POD: ReplicaSet web-RS is to have fewer pods',
    ]);
  });

  it('is a rollback, told as one', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    await story.as('bob', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...image('web:2') });
    const [second = ''] = story.names('Pod');
    await story.as('carol', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...image('web:1') });
    expect(told(await story.why('', 'pods', second))[0]).toMatch(
      /^carol changed Deployment web: image: web:2 -> web:1 \(container app\) \(back to what it was before state:\d+\)$/,
    );
  });

  it('is a node that fell silent', async () => {
    story = await Story.begin(['node-1', 'node-2']);
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [pod = ''] = story.names('Pod');
    const node = (story.cluster.view.get(PODS, NAMESPACE, pod) as { spec?: { nodeName?: string } }).spec?.nodeName ?? '';
    await story.cluster.stopNode(node);
    await story.cluster.advance(400_000);
    const why = await story.why('', 'pods', pod);
    expect(why.fate).toBe('being deleted');
    expect(told(why)).toEqual([
      `the node controller tainted ${node} as unreachable: its kubelet had stopped reporting (the machine is down, cut off, or the kubelet ended)`,
      `the taint eviction controller deleted Pod web-POD: ${node} has the taint node.kubernetes.io/unreachable:NoExecute, which it tolerated for 5m`,
    ]);
    expect(why.state[0]?.says).toBe(`It waits for the kubelet of ${node} to say that its containers have ended`);
    const next = story.names('Pod').find((name) => name !== pod) ?? '';
    expect(told(await story.why('', 'pods', next)).slice(2)).toEqual([
      'the ReplicaSet controller created Pod web-POD in place of Pod web-POD',
    ]);
  });

  it('is its namespace, deleted by somebody', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [pod = ''] = story.names('Pod');
    await story.as('dave', { verb: 'delete', of: NAMESPACES, name: NAMESPACE });
    await story.cluster.advance(60_000);
    const why = await story.why('', 'pods', pod);
    expect(why.fate).toBe('deleted');
    expect(known(why.headline)).toMatch(/^Pod web-POD was deleted \d+s ago, because dave deleted Namespace prod\.$/);
  });

  it('is its owners’ end', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [pod = ''] = story.names('Pod');
    await story.as('bob', { verb: 'delete', of: DEPLOYMENTS, name: 'web', options: { propagationPolicy: 'Background' } });
    expect(told(await story.why('', 'pods', pod)).slice(0, 3)).toEqual([
      'bob deleted Deployment web',
      'the garbage collector deleted ReplicaSet web-RS, as its owner Deployment web was deleted',
      'the garbage collector deleted Pod web-POD, as its owner ReplicaSet web-RS was deleted',
    ]);
  });

  it('is somebody who deleted it, or drained its node; and its successor is there in its place', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [pod = ''] = story.names('Pod');
    await story.as('bob', { verb: 'delete', of: PODS, name: pod });
    expect(told(await story.why('', 'pods', pod))[0]).toBe('bob deleted Pod web-POD');
    const [next = ''] = story.names('Pod');
    expect(told(await story.why('', 'pods', next))).toEqual([
      'bob deleted Pod web-POD',
      'the ReplicaSet controller created Pod web-POD in place of Pod web-POD',
    ]);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: next, namespace: NAMESPACE } };
    await story.as('carol', { verb: 'create', of: PODS, name: next, subresource: 'eviction', object: eviction });
    expect(told(await story.why('', 'pods', next))[0]).toBe('carol evicted Pod web-POD through the eviction API, as kubectl drain does');
  });
});

describe('why a Job is gone', () => {
  it('is its time to live', async () => {
    story = await Story.begin();
    const spec = { ttlSecondsAfterFinished: 30, template: template('job:1', { restartPolicy: 'Never' }) };
    await story.as('alice', {
      verb: 'create',
      object: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'pi', namespace: NAMESPACE }, spec },
    });
    const [pod = ''] = story.names('Pod');
    const status = { phase: 'Succeeded', containerStatuses: [{ name: 'app', ready: false, state: { terminated: { exitCode: 0 } } }] };
    await story.as('kubelet', { verb: 'patch', of: PODS, name: pod, subresource: 'status', ...merge({ status }) });
    await story.cluster.advance(60_000);
    expect(told(await story.why('batch', 'jobs', 'pi'))[0]).toBe(
      'the TTL controller of finished Jobs deleted Job pi: it had been finished for its ttlSecondsAfterFinished',
    );
  });
});

describe('why a pod is there, and as it is', () => {
  it('is that somebody wanted it', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const why = await story.why('', 'pods', story.names('Pod')[0] ?? '');
    expect(told(why)).toEqual([
      'alice created Deployment web',
      'the Deployment controller created ReplicaSet web-RS, for Deployment web',
      'the ReplicaSet controller created Pod web-POD, for ReplicaSet web-RS',
    ]);
    expect(why.state).toEqual([]);
  });

  it('is a new image that can’t be pulled, and its Deployment says so too', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [old = ''] = story.names('Pod');
    await story.as('bob', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...image('web:broken') });
    const why = await story.why('', 'pods', story.names('Pod').find((name) => name !== old) ?? '');
    expect(told(why)[0]).toBe('bob changed Deployment web: image: web:1 -> web:broken (container app)');
    expect(why.state[0]?.says).toMatch(/^Container app can't start: image web:broken can't be pulled \((ErrImagePull|ImagePullBackOff)\)/);
    const workload = await story.why('apps', 'deployments', 'web');
    expect(workload.lastChange?.map(({ who, did }) => `${who} ${did}`)).toEqual([
      'bob changed Deployment web: image: web:1 -> web:broken (container app)',
    ]);
    expect(workload.state.map(({ says }) => known(says)).join('\n')).toContain("Pod web-POD: container app can't start");
  });

  it('is that no node has room for it', async () => {
    story = await Story.begin();
    const greedy = { containers: [{ name: 'app', image: 'web:1', resources: { requests: { cpu: '100' } } }] };
    await story.as('alice', { verb: 'create', object: deployment(1, 'web:1', greedy) });
    const why = await story.why('', 'pods', story.names('Pod')[0] ?? '');
    expect(why.state).toEqual([
      {
        says: expect.stringMatching(/^It waits for a node: no node takes it: 0\/1 nodes are available: 1 Insufficient cpu/),
        advice: 'It fits when a node has that much free: smaller requests, fewer other pods, or another node.',
      },
    ]);
  });

  it('is found behind more reports than are gone through', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [old = ''] = story.names('Pod');
    await story.cluster.advance(10_000);
    await story.as('bob', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...image('web:2') });
    for (let n = 0; n < 70; n++)
      await story.as('someone', { verb: 'patch', of: DEPLOYMENTS, name: 'web', ...merge({ metadata: { annotations: { n: String(n) } } }) });
    const why = await story.why('apps', 'deployments', 'web');
    expect(told(why)).toEqual(['alice created Deployment web']);
    expect(why.lastChange?.map(({ who }) => who)).toEqual(['bob']);
    const [pod = ''] = story.names('Pod').filter((name) => name !== old);
    await story.as('carol', { verb: 'delete', of: PODS, name: pod });
    expect(told(await story.why('', 'pods', pod))[0]).toBe('carol deleted Pod web-POD');
  });

  it('is told as of a moment, too', async () => {
    story = await Story.begin();
    await story.as('alice', { verb: 'create', object: deployment(1) });
    const [pod = ''] = story.names('Pod');
    const until = { sequence: await story.cluster.log.last('state') };
    await story.as('bob', { verb: 'delete', of: PODS, name: pod });
    expect((await story.why('', 'pods', pod)).fate).toBe('deleted');
    expect((await story.why('', 'pods', pod, { until })).fate).toBe('exists');
  });
});
