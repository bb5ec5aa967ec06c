import {
  CONTROLLERREVISIONS,
  CRONJOBS,
  DAEMONSETS,
  definitionByKind,
  hasJobCondition,
  JOBS,
  PODS,
  STATEFULSETS,
  type ControllerRevision,
  type CronJob,
  type DaemonSet,
  type Job,
  type Pod,
  type ResourceDefinition,
  type StatefulSet,
} from '#libs/api';
import { controllerOf, StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.js';

const NAMESPACE = 'default';
const requester = { actor: { user: 'alice' } } as const;
const containers = [{ name: 'c', image: 'i:1' }];
const labels = { app: 'x' };

/** A cluster with a node, and somebody who works on it and insists. */
class Bench {
  private constructor(readonly cluster: SimulatedCluster) {}

  static async start(options: SimulatedClusterOptions = {}, nodes = 1): Promise<Bench> {
    const cluster = await SimulatedCluster.start(options);
    for (let k = 1; k <= nodes; k++) cluster.startNode({ name: `node-${k}`, podPrefix: `10.64.${k}` });
    await cluster.settle();
    return new Bench(cluster);
  }

  definition({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceDefinition {
    const found = definitionByKind(apiVersion, kind);
    if (!found) throw new Error(`no ${kind}`);
    return found;
  }

  async write(object: Pick<KubeObject, 'apiVersion' | 'kind'>, request: Partial<WriteRequest> & Pick<WriteRequest, 'verb'>): Promise<void> {
    const definition = this.definition(object);
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        await this.cluster.writePath.execute({ definition, namespace: NAMESPACE, options: {}, requester, ...request });
        return;
      } catch (error) {
        if (!(error instanceof StatusError) || error.reason !== 'ServiceUnavailable') throw error;
      }
    }
    throw new Error('never written');
  }

  async create(object: object): Promise<void> {
    await this.write(object as KubeObject, { verb: 'create', object });
    await this.cluster.settle();
  }

  async patch(object: KubeObject, body: object, subresource?: string): Promise<void> {
    const name = object.metadata.name ?? '';
    await this.write(object, {
      verb: 'patch',
      name,
      patch: { type: 'merge', body },
      ...(subresource === undefined ? {} : { subresource }),
    });
  }

  async remove(object: KubeObject): Promise<void> {
    await this.write(object, { verb: 'delete', name: object.metadata.name ?? '', options: { propagationPolicy: 'Background' } });
    await this.cluster.settle();
  }

  list<T extends KubeObject>(resource: GroupVersionResource): readonly T[] {
    return [...(this.cluster.view.list(resource, NAMESPACE) as readonly T[])].sort((a, b) =>
      (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1,
    );
  }

  get pods(): readonly Pod[] {
    return this.list<Pod>(PODS);
  }

  /** Pods that run come to their end; the first so many of them where that is said. */
  async finish(exitCode: number, most = Infinity, conditions: readonly object[] = []): Promise<void> {
    const running = this.pods.filter(({ status }) => status?.phase === 'Running').slice(0, most);
    for (const pod of running) {
      const containerStatuses = (pod.status?.containerStatuses ?? []).map((one) => ({
        ...one,
        ready: false,
        state: { terminated: { exitCode, finishedAt: '2026-01-01T00:00:00Z' } },
      }));
      const status = { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses, conditions };
      await this.patch(pod, { status }, 'status');
    }
    await this.cluster.settle();
  }

  async ready(pod: Pod, status: 'True' | 'False'): Promise<void> {
    const conditions = (pod.status?.conditions ?? []).map((one) => (one.type === 'Ready' ? { ...one, status } : one));
    await this.patch(pod, { status: { conditions } }, 'status');
    await this.cluster.settle();
  }
}

let bench: Bench;
afterEach(() => bench.cluster.stop());

const job = (spec: object): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'pi', namespace: NAMESPACE },
  spec: { template: { spec: { restartPolicy: 'Never', containers } }, ...spec },
});
const workload = (kind: string, spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'x', namespace: NAMESPACE },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
    ...(kind === 'StatefulSet' ? { serviceName: 'x' } : {}),
    ...spec,
  },
});
const image = (name: string): object => ({ spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } });
const imagesOf = (pods: readonly Pod[]): readonly (string | undefined)[] => pods.map(({ spec }) => spec?.containers[0]?.image);

describe('a Job in a cluster', () => {
  const theJob = (): Job => {
    const [found] = bench.list<Job>(JOBS);
    if (!found) throw new Error('there is no job');
    return found;
  };

  it('adopts pods that it selects and nobody controls, and releases those that it no longer selects', async () => {
    bench = await Bench.start();
    await bench.create(job({ parallelism: 2, completions: 2 }));
    const [first, second] = bench.pods;
    if (!first || !second) throw new Error('there are too few pods');
    await bench.patch(first, { metadata: { ownerReferences: null } });
    await bench.patch(second, { metadata: { labels: { 'batch.kubernetes.io/controller-uid': 'another' } } });
    await bench.cluster.settle();
    const owners = new Map(bench.pods.map((pod) => [pod.metadata.name, controllerOf(pod)?.uid]));
    expect(owners.get(first.metadata.name)).toBe(theJob().metadata.uid);
    expect(owners.get(second.metadata.name)).toBeUndefined();
    expect(bench.pods.filter((pod) => controllerOf(pod)?.uid === theJob().metadata.uid)).toHaveLength(2);
  });

  it('runs each index to its success', async () => {
    bench = await Bench.start();
    await bench.create(job({ parallelism: 2, completions: 4, completionMode: 'Indexed' }));
    expect(bench.pods.map(({ spec }) => spec?.hostname)).toEqual(['pi-0', 'pi-1']);
    await bench.finish(0);
    await bench.finish(0);
    expect(theJob().status).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
    expect(hasJobCondition(theJob().status, 'Complete')).toBe(true);
  });

  it('ends when its success policy is met, and its other pods with it', async () => {
    bench = await Bench.start();
    const successPolicy = { rules: [{ succeededIndexes: '0' }] };
    await bench.create(job({ parallelism: 3, completions: 3, completionMode: 'Indexed', successPolicy }));
    await bench.finish(0, 1);
    expect(theJob().status).toMatchObject({ succeeded: 1, completedIndexes: '0' });
    expect(hasJobCondition(theJob().status, 'Complete')).toBe(true);
    expect(bench.pods.map(({ status }) => status?.phase)).toEqual(['Succeeded']);
  });

  it('fails early where its policy says so', async () => {
    bench = await Bench.start();
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] };
    await bench.create(job({ podFailurePolicy }));
    await bench.finish(3);
    expect(theJob().status?.conditions?.find(({ type }) => type === 'Failed')).toMatchObject({ reason: 'PodFailurePolicy' });
  });

  it('does not count failures that come from outside, where its policy says so', async () => {
    bench = await Bench.start();
    const podFailurePolicy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
    await bench.create(job({ backoffLimit: 0, podFailurePolicy }));
    await bench.finish(1, 1, [{ type: 'DisruptionTarget', status: 'True' }]);
    await bench.cluster.advance(15_000);
    await bench.finish(0);
    expect(hasJobCondition(theJob().status, 'Complete')).toBe(true);
    expect(theJob().status?.failed).toBeUndefined();
  });

  it.each([
    ['all indexes though some fail', { backoffLimitPerIndex: 0 }, 2, 'FailedIndexes'],
    ['no more when too many have failed', { backoffLimitPerIndex: 0, maxFailedIndexes: 0 }, 0, 'MaxFailedIndexesExceeded'],
  ])('with a limit per index runs %s', async (_what, spec, succeeded, reason) => {
    bench = await Bench.start();
    await bench.create(job({ parallelism: 1, completions: 3, completionMode: 'Indexed', ...spec }));
    await bench.finish(1);
    await bench.cluster.advance(15_000);
    await bench.finish(0);
    await bench.finish(0);
    expect(theJob().status?.succeeded ?? 0).toBe(succeeded);
    expect(theJob().status).toMatchObject({ failedIndexes: '0', failed: 1 });
    expect(theJob().status?.conditions?.find(({ type }) => type === 'Failed')).toMatchObject({ reason });
  });

  it('leaves nothing behind that holds its pods when it is deleted', async () => {
    bench = await Bench.start();
    await bench.create(job({ parallelism: 2, completions: 2 }));
    await bench.remove(theJob());
    expect(bench.list(JOBS)).toEqual([]);
    expect(bench.pods).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5])('counts each pod once, though writes fail and answers are lost (seed %i)', async (seed) => {
    bench = await Bench.start({
      seed,
      fault: (world) => {
        const draw = world.random();
        return draw < 0.05 ? 'unavailable' : draw < 0.1 ? 'lost-answer' : undefined;
      },
    });
    await bench.create(job({ parallelism: 3, completions: 7, backoffLimit: 10 }));
    for (let round = 0; round < 12; round++) {
      await bench.cluster.advance(60_000);
      await bench.finish(round === 1 ? 1 : 0);
    }
    await bench.cluster.advance(300_000);
    const failures = bench.pods.filter(({ status }) => status?.phase === 'Failed').length;
    expect(theJob().status).toMatchObject({ succeeded: 7, uncountedTerminatedPods: {} });
    expect(theJob().status?.failed ?? 0).toBe(failures);
    expect(hasJobCondition(theJob().status, 'Complete')).toBe(true);
    expect(bench.pods.every(({ metadata }) => metadata.finalizers === undefined)).toBe(true);
  });
});

describe('the generation of a pod in a cluster', () => {
  const thePod = (): Pod => {
    const [found] = bench.pods;
    if (!found) throw new Error('there is no pod');
    return found;
  };
  const seen = (): unknown => [thePod().metadata.generation, thePod().status?.observedGeneration];

  it('has come to 501 after 500 updates, none of them lost, and its node has seen it', async () => {
    bench = await Bench.start();
    await bench.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'busy', namespace: NAMESPACE }, spec: { containers } });
    expect(seen()).toEqual([1, 1]);
    const pod = thePod();
    for (let activeDeadlineSeconds = 1500; activeDeadlineSeconds > 1000; activeDeadlineSeconds--) {
      await bench.patch(pod, { spec: { activeDeadlineSeconds } });
    }
    await bench.cluster.settle();
    expect(seen()).toEqual([501, 501]);
    expect(thePod().spec?.activeDeadlineSeconds).toBe(1001);
    await bench.patch(pod, { metadata: { annotations: { a: 'b' }, generation: 1 } });
    await bench.cluster.settle();
    expect(seen()).toEqual([501, 501]);
  });
});

describe('a CronJob in a cluster', () => {
  it('starts no Job while it is suspended, however often its time comes, and starts them once it is resumed', async () => {
    bench = await Bench.start();
    const jobTemplate = { spec: { template: { spec: { restartPolicy: 'Never', containers } } } };
    const spec = { schedule: '*/1 * * * *', suspend: true, jobTemplate };
    await bench.create({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c', namespace: NAMESPACE }, spec });
    await bench.cluster.advance(600_000);
    expect(bench.list(JOBS)).toEqual([]);
    const [cron] = bench.list<CronJob>(CRONJOBS);
    expect(cron?.status?.active ?? []).toEqual([]);
    await bench.patch(cron as CronJob, { spec: { suspend: false } });
    await bench.cluster.advance(120_000);
    expect(bench.list(JOBS).length).toBeGreaterThan(0);
  });
});

describe('a DaemonSet in a cluster', () => {
  const revisions = (): readonly ControllerRevision[] => bench.list<ControllerRevision>(CONTROLLERREVISIONS);
  const theSet = (): DaemonSet => {
    const [found] = bench.list<DaemonSet>(DAEMONSETS);
    if (!found) throw new Error('there is no daemon set');
    return found;
  };

  it('follows the labels of nodes', async () => {
    bench = await Bench.start({}, 2);
    const template = { metadata: { labels }, spec: { containers, nodeSelector: { color: 'blue' } } };
    await bench.create(workload('DaemonSet', { template }));
    expect(bench.pods).toEqual([]);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-2' } };
    await bench.write(node, {
      verb: 'patch',
      namespace: '',
      name: 'node-2',
      patch: { type: 'merge', body: { metadata: { labels: { color: 'blue' } } } },
    });
    await bench.cluster.settle();
    expect(bench.pods.map(({ spec }) => spec?.nodeName)).toEqual(['node-2']);
    await bench.write(node, {
      verb: 'patch',
      namespace: '',
      name: 'node-2',
      patch: { type: 'merge', body: { metadata: { labels: { color: null } } } },
    });
    await bench.cluster.settle();
    expect(bench.pods).toEqual([]);
  });

  it('rolls back without a restart of pods that were never rolled over', async () => {
    bench = await Bench.start({}, 3);
    await bench.create(workload('DaemonSet'));
    const before = new Map(bench.pods.map(({ metadata, spec }) => [spec?.nodeName, metadata.uid]));
    // The first of the new pods never becomes ready, so that the others keep the old template.
    await bench.patch(theSet(), image('i:2'));
    while (!imagesOf(bench.pods).includes('i:2')) await bench.cluster.advance(1);
    const [broken] = bench.pods.filter(({ spec }) => spec?.containers[0]?.image === 'i:2');
    await bench.patch(theSet(), image('i:1'));
    await bench.cluster.settle();
    expect(imagesOf(bench.pods)).toEqual(['i:1', 'i:1', 'i:1']);
    const same = bench.pods.filter(({ metadata, spec }) => before.get(spec?.nodeName) === metadata.uid);
    expect(same.map(({ spec }) => spec?.nodeName)).not.toContain(broken?.spec?.nodeName);
    expect(
      revisions()
        .map(({ revision }) => revision)
        .sort(),
    ).toEqual([2, 3]);
  });

  it('adopts a revision that it selects, goes on with it when the other is deleted, and makes one where none is left', async () => {
    bench = await Bench.start();
    await bench.create(workload('DaemonSet'));
    const [first] = revisions();
    if (!first) throw new Error('there is no revision');
    const { uid } = theSet().metadata;
    await bench.create({
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name: 'x-second', namespace: NAMESPACE, labels: first.metadata.labels },
      data: first.data,
      revision: first.revision + 1,
    });
    expect(revisions().map((one) => controllerOf(one)?.uid)).toEqual([uid, uid]);
    await bench.remove(first);
    expect(revisions().map(({ metadata }) => metadata.name)).toEqual(['x-second']);
    await bench.remove({ ...first, metadata: { ...first.metadata, name: 'x-second' } });
    expect(revisions()).toHaveLength(1);
    expect(bench.pods).toHaveLength(1);
  });

  it('keeps conditions that others have written into its status', async () => {
    bench = await Bench.start();
    await bench.create(workload('DaemonSet'));
    await bench.patch(
      theSet(),
      { status: { conditions: [{ type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'set' }] } },
      'status',
    );
    await bench.patch(theSet(), image('i:2'));
    await bench.cluster.settle();
    expect(theSet().status).toMatchObject({ updatedNumberScheduled: 1, conditions: [{ type: 'StatusUpdate', reason: 'E2E' }] });
  });
});

describe('a StatefulSet in a cluster', () => {
  const names = (): readonly (string | undefined)[] => bench.pods.map(({ metadata }) => metadata.name);
  const theSet = (): StatefulSet => {
    const [found] = bench.list<StatefulSet>(STATEFULSETS);
    if (!found) throw new Error('there is no stateful set');
    return found;
  };
  const pod = (name: string): Pod => {
    const found = bench.pods.find(({ metadata }) => metadata.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };

  it('scales in order, and halts where a pod is not healthy', async () => {
    bench = await Bench.start();
    await bench.create(workload('StatefulSet', { replicas: 3 }));
    expect(names()).toEqual(['x-0', 'x-1', 'x-2']);
    await bench.cluster.stopNode('node-1');
    for (const each of bench.pods) await bench.ready(each, 'False');
    await bench.patch(theSet(), { spec: { replicas: 0 } });
    await bench.cluster.settle();
    expect(bench.pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([]);
  });

  it('scales all pods at once, healthy or not, where their order does not matter', async () => {
    bench = await Bench.start();
    await bench.create(workload('StatefulSet', { replicas: 3, podManagementPolicy: 'Parallel' }));
    await bench.patch(pod('x-1'), { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, 'status');
    await bench.patch(theSet(), { spec: { replicas: 0 } });
    await bench.cluster.settle();
    expect(names()).toEqual([]);
  });

  it('rolls over in phases, as its partition is moved, and back', async () => {
    bench = await Bench.start();
    const partition = (value: number): object => ({ spec: { updateStrategy: { rollingUpdate: { partition: value } } } });
    await bench.create(workload('StatefulSet', { replicas: 3 }));
    await bench.patch(theSet(), partition(3));
    await bench.patch(theSet(), image('i:2'));
    await bench.cluster.settle();
    expect(imagesOf(bench.pods)).toEqual(['i:1', 'i:1', 'i:1']);
    await bench.patch(theSet(), partition(2));
    await bench.cluster.settle();
    expect(imagesOf(bench.pods)).toEqual(['i:1', 'i:1', 'i:2']);
    // A pod that is deleted comes back by the template of its side of the partition.
    await bench.remove(pod('x-0'));
    await bench.remove(pod('x-2'));
    expect(imagesOf(bench.pods)).toEqual(['i:1', 'i:1', 'i:2']);
    await bench.patch(theSet(), partition(0));
    await bench.cluster.settle();
    expect(imagesOf(bench.pods)).toEqual(['i:2', 'i:2', 'i:2']);
    expect(theSet().status?.currentRevision).toBe(theSet().status?.updateRevision);
    await bench.patch(theSet(), image('i:1'));
    await bench.cluster.settle();
    expect(imagesOf(bench.pods)).toEqual(['i:1', 'i:1', 'i:1']);
    expect(bench.list(CONTROLLERREVISIONS)).toHaveLength(2);
  });

  it('makes a pod again that was evicted', async () => {
    bench = await Bench.start();
    await bench.create(workload('StatefulSet', { replicas: 1 }));
    const { uid } = pod('x-0').metadata;
    await bench.finish(1);
    expect(pod('x-0').metadata.uid).not.toBe(uid);
    expect(pod('x-0').status?.phase).toBe('Running');
  });
});
