import { TestCluster } from '../cluster.js';

jest.setTimeout(180_000);

const configMap = (name: string, more: object = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });
const deployment = (spec: object): string => JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bad' }, spec });
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

/** What upstream says to each bad request, as kubectl prints it. */
describe('bad input', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime=simulated');
  });
  afterAll(() => cluster?.delete());

  const refused = async (args: string, input: string): Promise<string> => {
    const { code, err } = await cluster.tryKubectl(args, { input });
    expect(code).toBe(1);
    return err.trim();
  };

  it('names an unknown field', async () => {
    const manifest = deployment({ replicas: 1, selector: { matchLabels: { a: 'b' } }, template, replica: 2 });
    expect(await refused('create -f -', manifest)).toContain('strict decoding error: unknown field "spec.replica"');
  });

  it('names a wrong type', async () => {
    const manifest = deployment({ replicas: 'three', selector: { matchLabels: { a: 'b' } }, template });
    expect(await refused('create --validate=false -f -', manifest)).toContain(
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  });

  it('names a required field that is missing', async () => {
    const manifest = deployment({ selector: { matchLabels: { a: 'b' } }, template: { ...template, spec: { containers: [] } } });
    expect(await refused('create -f -', manifest)).toContain(
      'The Deployment "bad" is invalid: spec.template.spec.containers: Required value',
    );
  });

  it('names every problem at once', async () => {
    const manifest = deployment({ replicas: -1, selector: { matchLabels: { a: 'x' } }, template });
    const message = await refused('create -f -', manifest);
    expect(message).toContain('spec.replicas: Invalid value: -1: must be greater than or equal to 0');
    expect(message).toContain('spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`');
  });

  it('refuses a name that is taken', async () => {
    await cluster.kubectl('create -f -', { input: configMap('twin') });
    expect(await refused('create -f -', configMap('twin'))).toBe(
      'Error from server (AlreadyExists): error when creating "STDIN": configmaps "twin" already exists',
    );
  });

  it('refuses a resourceVersion that is old', async () => {
    const { metadata } = await cluster.get<{ metadata: { resourceVersion: string } }>('configmap twin');
    await cluster.kubectl('label configmap twin a=b');
    const stale = configMap('twin', { metadata: { name: 'twin', namespace: 'default', resourceVersion: metadata.resourceVersion } });
    expect(await refused('replace -f -', stale)).toContain(
      'Operation cannot be fulfilled on configmaps "twin": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('refuses a body of 4 MiB', async () => {
    const big = configMap('big', { data: { value: 'x'.repeat(4 << 20) } });
    expect(await refused('create -f -', big)).toContain('limit is 3145728');
  });

  it.each([
    ['JSON', 'application/json', '{"kind":'],
    ['YAML', 'application/yaml', 'kind: [unclosed'],
  ])('refuses malformed %s', async (_, type, body) => {
    const proxy = cluster.background(['proxy', '--port=0']);
    try {
      const port = await new Promise<string>((resolve) => {
        proxy.child.stdout?.on('data', () => {
          const found = /127\.0\.0\.1:(\d+)/.exec(proxy.output())?.[1];
          if (found) resolve(found);
        });
      });
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default/configmaps`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'BadRequest', code: 400 });
    } finally {
      proxy.child.kill();
    }
  });

  it('refuses who does not say who he is', async () => {
    const config = JSON.parse(await cluster.kubectl('config view --raw -o json')) as { clusters: { cluster: { server: string } }[] };
    const server = config.clusters[0]?.cluster.server ?? '';
    const { err, code } = await cluster.run(cluster.kubectlPath(), [
      '--server',
      server,
      '--insecure-skip-tls-verify',
      '--kubeconfig=/dev/null',
      '--token=nonsense',
      'get',
      'pods',
    ]);
    expect(code).toBe(1);
    expect(err).toContain('Unauthorized');
  });

  it('goes on', async () => {
    expect(await cluster.kubectl('get configmap twin -o name')).toBe('configmap/twin\n');
    expect(await cluster.kubectl('get nodes -l decklog.dev/runtime=simulated -o name')).toContain('node/');
  });

  it.each([
    [['status', '-p', 'no-such-profile'], /no.*profile|not found|does not exist/i],
    [['start', '-p', 'Bad_Name!'], /name/i],
    [['start', '--nodes', 'many'], /nodes/i],
    [['nonsense'], /unknown command/i],
  ])('the command line explains %j', async (args, words) => {
    const { code, err, out } = await cluster.run('./decklog', args);
    expect(code).not.toBe(0);
    expect(`${err}${out}`).toMatch(words);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
