import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(120_000);

const SHELL = 'decklog-test/shell:1';
const NEXT = 'decklog-test/shell:2';
const STAY = 'trap "exit 0" TERM; while true; do sleep 0.2; done';

interface Container {
  readonly [field: string]: unknown;
  readonly image?: string;
}

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly creationTimestamp: string };
  readonly spec: { readonly nodeName: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly phase: string;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime: string }[];
    readonly initContainerStatuses?: readonly { readonly name: string; readonly state: Record<string, { readonly exitCode?: number }> }[];
  };
}

interface Job {
  readonly metadata: { readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[] };
  readonly status: {
    readonly succeeded?: number;
    readonly failed?: number;
    readonly completedIndexes?: string;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

const container = (script: string, more: Container = {}): Container => ({
  name: 'main',
  image: SHELL,
  command: ['sh', '-c', script],
  ...more,
});

const podSpec = (script: string, more: object = {}): object => ({
  terminationGracePeriodSeconds: 1,
  restartPolicy: 'Never',
  containers: [container(script)],
  ...more,
});

const jobSpec = (script: string, changes: object = {}, pod: object = {}): object => ({
  template: { spec: podSpec(script, pod) },
  ...changes,
});

const manifest = (apiVersion: string, kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name }, spec });

describe('workloads on two nodes', () => {
  let cluster: TestCluster;
  const apply = (text: string): Promise<string> => cluster.kubectl('apply -f -', { input: text });
  const podsOf = async (selector: string): Promise<readonly Pod[]> =>
    (await cluster.get<{ items: readonly Pod[] }>(`pods -l ${selector}`)).items;
  const complete = (job: string): Promise<string> => cluster.kubectl(`wait --for=condition=complete job/${job} --timeout=60s`);

  beforeAll(async () => {
    buildImage('shell', SHELL);
    buildImage('shell', NEXT);
    cluster = await TestCluster.start('--nodes', '2');
  });
  afterAll(() => cluster?.delete());

  describe('a Job', () => {
    it('completes after as many pods as it asks for, and their logs stay readable', async () => {
      await apply(manifest('batch/v1', 'Job', 'three', jobSpec('echo done by $(hostname)', { completions: 3, parallelism: 2 })));
      await complete('three');
      const { status } = await cluster.get<Job>('job three');
      expect(status).toMatchObject({ succeeded: 3 });
      const pods = await podsOf('batch.kubernetes.io/job-name=three');
      expect(pods.map((pod) => pod.status.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
      const logs = await cluster.kubectl('logs -l batch.kubernetes.io/job-name=three');
      expect(logs.trim().split('\n').sort()).toEqual(pods.map(({ metadata }) => `done by ${metadata.name}`).sort());
    });

    it('fails when its pods failed more often than its backoffLimit allows', async () => {
      await apply(manifest('batch/v1', 'Job', 'failing', jobSpec('echo no >&2; exit 3', { backoffLimit: 0 })));
      await cluster.kubectl('wait --for=condition=failed job/failing --timeout=60s');
      const { status } = await cluster.get<Job>('job failing');
      expect(status.failed).toBe(1);
      expect(status.conditions.find(({ type }) => type === 'Failed')).toMatchObject({ status: 'True', reason: 'BackoffLimitExceeded' });
      expect(await cluster.kubectl('logs job/failing')).toBe('no\n');
    });

    it('restarts a container in its pod until the backoffLimit, with restartPolicy OnFailure', async () => {
      const spec = jobSpec('exit 3', { backoffLimit: 1 }, { restartPolicy: 'OnFailure' });
      await apply(manifest('batch/v1', 'Job', 'again', spec));
      await cluster.kubectl('wait --for=condition=failed job/again --timeout=60s');
      await eventually('its pod is gone', async () => (await podsOf('batch.kubernetes.io/job-name=again')).length === 0);
    });

    it('tells each container of an Indexed Job its index, and names its host by it', async () => {
      const script = 'echo $JOB_COMPLETION_INDEX $(hostname)';
      await apply(manifest('batch/v1', 'Job', 'indexed', jobSpec(script, { completionMode: 'Indexed', completions: 3, parallelism: 3 })));
      await complete('indexed');
      expect((await cluster.get<Job>('job indexed')).status.completedIndexes).toBe('0-2');
      const logs = await cluster.kubectl('logs -l batch.kubernetes.io/job-name=indexed');
      expect(logs.trim().split('\n').sort()).toEqual(['0 indexed-0', '1 indexed-1', '2 indexed-2']);
    });

    it('is removed with its pods when its time to live after it finished is over', async () => {
      await apply(manifest('batch/v1', 'Job', 'brief', jobSpec('true', { ttlSecondsAfterFinished: 1 })));
      await cluster.kubectl('wait --for=delete job/brief --timeout=60s');
      await eventually('its pods are gone', async () => (await podsOf('batch.kubernetes.io/job-name=brief')).length === 0);
    });

    it('is made from a CronJob by hand, and owned by it', async () => {
      const spec = { schedule: '0 0 1 1 *', jobTemplate: { spec: jobSpec('echo by hand') } };
      await apply(manifest('batch/v1', 'CronJob', 'yearly', spec));
      await cluster.kubectl('create job by-hand --from=cronjob/yearly');
      await complete('by-hand');
      expect(await cluster.kubectl('logs job/by-hand')).toBe('by hand\n');
      expect((await cluster.get<Job>('job by-hand')).metadata.ownerReferences).toMatchObject([{ kind: 'CronJob', name: 'yearly' }]);
    });
  });

  describe('a pod', () => {
    it('runs its init container first and its sidecar beside it, which ends after it', async () => {
      const shared = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
      const sidecar = 'trap "echo bye; exit 0" TERM; echo $(cat /shared/first) > /shared/second; while true; do sleep 0.2; done';
      const spec = jobSpec(
        'until [ -s /shared/second ]; do sleep 0.1; done; cat /shared/first /shared/second',
        {},
        {
          volumes: [{ name: 'shared', emptyDir: {} }],
          initContainers: [
            container('echo prepared > /shared/first', { name: 'prepare', ...shared }),
            container(sidecar, { name: 'beside', restartPolicy: 'Always', ...shared }),
          ],
        },
      );
      const withMount = JSON.parse(manifest('batch/v1', 'Job', 'sides', spec)) as {
        spec: { template: { spec: { containers: object[] } } };
      };
      withMount.spec.template.spec.containers = withMount.spec.template.spec.containers.map((main) => ({ ...main, ...shared }));
      await apply(JSON.stringify(withMount));
      await complete('sides');
      expect(await cluster.kubectl('logs job/sides -c main')).toBe('prepared\nprepared\n');
      expect(await cluster.kubectl('logs job/sides -c beside')).toBe('bye\n');
      const [pod] = await podsOf('batch.kubernetes.io/job-name=sides');
      expect(pod?.status.initContainerStatuses?.map(({ name, state }) => [name, state['terminated']?.exitCode])).toEqual([
        ['prepare', 0],
        ['beside', 0],
      ]);
    });
  });

  describe('a StatefulSet', () => {
    const names = async (): Promise<readonly string[]> => (await podsOf('app=db')).map(({ metadata }) => metadata.name).sort();
    const images = async (): Promise<readonly string[]> => (await podsOf('app=db')).map(({ spec }) => spec.containers[0]?.image ?? '');

    beforeAll(async () => {
      await apply(manifest('v1', 'Service', 'db', { clusterIP: 'None', selector: { app: 'db' }, ports: [{ port: 80 }] }));
      // Longer than the second that times are told in: ready comes visibly after created.
      const readinessProbe = { exec: { command: ['true'] }, initialDelaySeconds: 1, periodSeconds: 1 };
      const containers = [container(STAY, { readinessProbe })];
      const template = { metadata: { labels: { app: 'db' } }, spec: podSpec(STAY, { restartPolicy: 'Always', containers }) };
      const spec = { serviceName: 'db', replicas: 3, selector: { matchLabels: { app: 'db' } }, template };
      await apply(manifest('apps/v1', 'StatefulSet', 'db', spec));
      await cluster.kubectl('rollout status statefulset/db --timeout=90s');
    });

    it('starts each pod after the one before is ready', async () => {
      const pods = [...(await podsOf('app=db'))].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
      expect(pods.map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1', 'db-2']);
      const readyAt = (pod?: Pod): string => pod?.status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? 'never';
      for (const at of [1, 2]) expect((pods[at]?.metadata.creationTimestamp ?? '') >= readyAt(pods[at - 1])).toBe(true);
    });

    it('names each pod in the DNS by its own name', async () => {
      const { status } = await cluster.get<{ status: { podIP: string } }>('pod db-1');
      await eventually('db-1.db resolves', async () =>
        (await cluster.kubectl('exec db-0 -- nslookup db-1.db.default.svc.cluster.local')).includes(status.podIP),
      );
      expect(await cluster.kubectl('exec db-1 -- hostname')).toBe('db-1\n');
      expect(await cluster.kubectl('exec db-1 -- hostname -f')).toBe('db-1.db.default.svc.cluster.local\n');
      expect(await cluster.kubectl('exec db-0 -- ping -c 1 -W 5 db-1.db')).toContain(status.podIP);
    });

    it('gives a pod that was deleted its name again', async () => {
      const before = await cluster.get<Pod>('pod db-1');
      await cluster.kubectl('delete pod db-1 --timeout=60s');
      const after = await eventually('it is back', async () => {
        const { code, out } = await cluster.tryKubectl('get pod db-1 -o json');
        return code === 0 && (JSON.parse(out) as Pod);
      });
      expect(after.metadata.uid).not.toBe(before.metadata.uid);
      await cluster.kubectl('rollout status statefulset/db --timeout=60s');
    });

    it('rolls a new image out from the highest number down, and undoes it', async () => {
      const watch = cluster.background(['get', 'pods', '-l', 'app=db', '-w', '--output-watch-events', '--no-headers']);
      await eventually('the watch sees the pods', async () => /db-2/.test(watch.output()));
      await cluster.kubectl(`set image statefulset/db main=${NEXT}`);
      await cluster.kubectl('rollout status statefulset/db --timeout=90s');
      const deleted = await eventually('three were replaced', async () => {
        const order = [...watch.output().matchAll(/DELETED\s+(\S+)/g)].map(([, name]) => name);
        return order.length === 3 && order;
      });
      watch.child.kill();
      expect(deleted).toEqual(['db-2', 'db-1', 'db-0']);
      expect(await images()).toEqual([NEXT, NEXT, NEXT]);
      expect(await cluster.kubectl('rollout history statefulset/db')).toMatch(/1\s+<none>\n2\s+<none>/);
      await cluster.kubectl('rollout undo statefulset/db');
      await cluster.kubectl('rollout status statefulset/db --timeout=90s');
      expect(await images()).toEqual([SHELL, SHELL, SHELL]);
    });

    it('scales down from the highest number', async () => {
      const watch = cluster.background(['get', 'pods', '-l', 'app=db', '-w', '--output-watch-events', '--no-headers']);
      await eventually('the watch sees the pods', async () => /db-2/.test(watch.output()));
      await cluster.kubectl('scale statefulset/db --replicas=1');
      await eventually('one is left', async () => (await names()).length === 1);
      await eventually('both were seen', async () => (watch.output().match(/DELETED/g)?.length ?? 0) >= 2);
      watch.child.kill();
      expect([...watch.output().matchAll(/DELETED\s+(\S+)/g)].map(([, name]) => name)).toEqual(['db-2', 'db-1']);
      expect(await names()).toEqual(['db-0']);
    });
  });

  describe('a DaemonSet', () => {
    it('runs one pod on every node, and is restarted by a rollout', async () => {
      const template = { metadata: { labels: { app: 'agent' } }, spec: podSpec(STAY, { restartPolicy: 'Always' }) };
      await apply(manifest('apps/v1', 'DaemonSet', 'agent', { selector: { matchLabels: { app: 'agent' } }, template }));
      await cluster.kubectl('rollout status daemonset/agent --timeout=60s');
      const nodes = (await cluster.get<{ items: { metadata: { name: string } }[] }>('nodes')).items.map(({ metadata }) => metadata.name);
      expect(nodes).toHaveLength(2);
      const before = await podsOf('app=agent');
      expect(before.map(({ spec }) => spec.nodeName).sort()).toEqual(nodes.sort());
      await cluster.kubectl('rollout restart daemonset/agent');
      await cluster.kubectl('rollout status daemonset/agent --timeout=60s');
      const old = new Set(before.map(({ metadata }) => metadata.uid));
      const after = await eventually('the old ones are gone', async () => {
        const pods = await podsOf('app=agent');
        return pods.every(({ metadata }) => !old.has(metadata.uid)) && pods;
      });
      expect(after.map(({ spec }) => spec.nodeName).sort()).toEqual(nodes.sort());
    });
  });
});
