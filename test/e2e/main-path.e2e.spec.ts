import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

const ECHO = 'kicbase/echo-server:1.0';
const SHELL = 'decklog-test/shell:1';

describe.each([
  ['in one process', []],
  ['with each app in a process of its own', ['--layout=apart']],
])('a cluster on a log, %s', (_, args) => {
  let cluster: TestCluster;
  let url: string;
  const hostOf = async (): Promise<string> => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000), headers: { connection: 'close' } });
    return /Hostname: (\S+)/.exec(await answer.text())?.[1] ?? '';
  };

  beforeAll(async () => {
    buildImage('echo', ECHO);
    buildImage('shell', SHELL);
    cluster = await TestCluster.start(...args);
  });
  afterAll(() => cluster?.delete());

  it('runs a deployment whose containers answer on a node port', async () => {
    await cluster.kubectl(`create deployment hello-minikube --image=${ECHO}`);
    await cluster.kubectl('expose deployment hello-minikube --type=NodePort --port=8080');
    await cluster.kubectl('rollout status deployment/hello-minikube --timeout=60s');
    const service = await cluster.decklog(['service', 'hello-minikube', '--url']);
    expect(service.err).toBe('');
    url = service.out.trim();
    expect(url).toMatch(/^http:\/\/[\d.]+:3\d{4}$/);
    const [pod] = (await cluster.kubectl('get pods -l app=hello-minikube -o name')).trim().split('\n');
    await eventually('the node port answers', async () => `pod/${await hostOf()}` === pod);
  });

  it('starts again without harm, and says that it runs', async () => {
    expect(await cluster.start(...args)).toMatch(/running|ready/i);
    expect((await cluster.components()).map(({ state }) => state)).not.toContain('stopped');
  });

  it('resolves the service inside a pod and reaches it', async () => {
    await cluster.kubectl(`run client --image=${SHELL} --restart=Never --command -- sleep 3600`);
    await cluster.kubectl('wait --for=condition=Ready pod/client --timeout=60s');
    const resolved = await cluster.kubectl('exec client -- nslookup hello-minikube.default.svc.cluster.local');
    const { spec } = await cluster.get<{ spec: { clusterIP: string } }>('service hello-minikube');
    expect(resolved).toContain(spec.clusterIP);
    const answer = await cluster.kubectl([
      'exec',
      'client',
      '--',
      'sh',
      '-c',
      `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc ${spec.clusterIP} 8080`,
    ]);
    expect(answer).toContain('Hostname: hello-minikube-');
    const resolvConf = await cluster.kubectl('exec client -- cat /etc/resolv.conf');
    expect(resolvConf).toContain('search default.svc.cluster.local svc.cluster.local cluster.local');
  });

  it('spreads the load over the replicas that are ready, and over no others', async () => {
    await cluster.kubectl('scale deployment hello-minikube --replicas=3');
    await cluster.kubectl('rollout status deployment/hello-minikube --timeout=60s');
    const seen = new Set<string>();
    await eventually('three replicas answer', async () => {
      seen.add(await hostOf());
      return seen.size === 3;
    });
    const [chosen = ''] = [...seen];
    await cluster.kubectl(['label', 'pod', chosen, 'app=elsewhere', '--overwrite']);
    await eventually('the pod left the service', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, hostOf));
      return !answers.includes(chosen);
    });
  });

  it('keeps a pod that is not ready out of the service', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'unready', labels: { app: 'hello-minikube' } },
      spec: {
        containers: [
          {
            name: 'echo',
            image: ECHO,
            ports: [{ containerPort: 8080 }],
            readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 },
          },
        ],
      },
    };
    await cluster.kubectl('apply -f -', { input: JSON.stringify(manifest) });
    await eventually('the container runs', async () => (await cluster.kubectl('get pod unready')).includes('Running'));
    const slices = await cluster.get<{ items: { endpoints: { targetRef?: { name: string }; conditions: { ready: boolean } }[] }[] }>(
      'endpointslices -l kubernetes.io/service-name=hello-minikube',
    );
    const conditions = slices.items
      .flatMap(({ endpoints }) => endpoints)
      .find(({ targetRef }) => targetRef?.name === 'unready')?.conditions;
    expect(conditions?.ready ?? false).toBe(false);
    const answers = await Promise.all(Array.from({ length: 20 }, hostOf));
    expect(answers).not.toContain('unready');
    await cluster.kubectl('exec unready -- touch /tmp/ready');
    await cluster.kubectl('wait --for=condition=Ready pod/unready --timeout=30s');
    await eventually('the ready pod answers', async () => (await hostOf()) === 'unready');
  });

  it('tells the whole history of the object in the projection', async () => {
    const rebuilt = await cluster.decklog(['rebuild', '--check'], { timeoutMs: 120_000 });
    expect(`${rebuilt.out}${rebuilt.err}`).toMatch(/same|identical|equal/i);
    expect(rebuilt.code).toBe(0);
  });
});
