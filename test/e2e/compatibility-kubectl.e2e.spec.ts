import { get } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { olderClients } from '../clients.js';
import { eventually, TestCluster, type Ran } from '../cluster.js';

jest.setTimeout(240_000);

const configMap = (name: string, data: Readonly<Record<string, string>>, labels?: Readonly<Record<string, string>>): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels ? { labels } : {}) }, data });

const deployment = (name: string, replicas: number | undefined, image: string): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
    },
  });

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start('--runtime', 'simulated');
});
afterAll(() => cluster?.delete());

describe.each([
  ['newest', () => cluster.kubectlPath()],
  ['1.33', () => olderClients().kubectl],
])('kubectl %s', (release, program) => {
  const namespace = `with-${release.replace('.', '-')}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-compatibility-'));
  const tryIt = (args: string | readonly string[], input?: string): Promise<Ran> =>
    cluster.run(program(), ['-n', namespace, ...(typeof args === 'string' ? args.split(' ') : args)], input === undefined ? {} : { input });
  const kubectl = async (args: string | readonly string[], input?: string): Promise<string> => {
    const { code, out, err } = await tryIt(args, input);
    if (code !== 0) throw new Error(`kubectl ${String(args)}: exit code ${code}\n${out}\n${err}`);
    return out.trim();
  };
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };

  beforeAll(async () => {
    await cluster.kubectl(['create', 'namespace', namespace]);
    await eventually('the default account', () => cluster.kubectl(['get', 'serviceaccount', 'default', '-n', namespace]));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('applies, changes nothing the second time, and shows a difference before it makes it', async () => {
    expect(await kubectl('apply -f -', configMap('plain', { a: '1' }))).toBe('configmap/plain created');
    expect(await kubectl('apply -f -', configMap('plain', { a: '1' }))).toBe('configmap/plain unchanged');
    const version = await kubectl('get configmap plain -o jsonpath={.metadata.resourceVersion}');
    expect(await kubectl('apply -f -', configMap('plain', { a: '1' }))).toBe('configmap/plain unchanged');
    expect(await kubectl('get configmap plain -o jsonpath={.metadata.resourceVersion}')).toBe(version);
    const diff = await tryIt('diff -f -', configMap('plain', { a: '2' }));
    expect(diff.code).toBe(1);
    expect(diff.out).toMatch(/-\s+a: "1"\n\+\s+a: "2"/);
    expect((await tryIt('diff -f -', configMap('plain', { a: '1' }))).code).toBe(0);
    expect(await kubectl('apply --dry-run=server -f -', configMap('plain', { a: '3' }))).toBe(
      'configmap/plain configured (server dry run)',
    );
    expect(await kubectl('get configmap plain -o jsonpath={.data.a}')).toBe('1');
  });

  it('applies on the server, and tells two managers of their conflict', async () => {
    const ours = ['apply', '--server-side', '--field-manager=ours', '-f', '-'];
    const theirs = ['apply', '--server-side', '--field-manager=theirs', '-f', '-'];
    expect(await kubectl(ours, deployment('shared', 2, 'app:1'))).toBe('deployment.apps/shared serverside-applied');
    const refused = await tryIt(theirs, deployment('shared', 3, 'app:1'));
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('Apply failed with 1 conflict: conflict with "ours": .spec.replicas');
    expect(await kubectl([...theirs, '--force-conflicts'], deployment('shared', 3, 'app:1'))).toBe(
      'deployment.apps/shared serverside-applied',
    );
    expect(await kubectl('get deployment shared -o jsonpath={.spec.replicas}')).toBe('3');
    expect((await tryIt(ours, deployment('shared', 2, 'app:1'))).err).toContain('conflict with "theirs": .spec.replicas');
    await kubectl(ours, deployment('shared', undefined, 'app:1'));
    expect(await kubectl('get deployment shared -o jsonpath={.spec.replicas}')).toBe('3');
    const owners = await kubectl('get deployment shared --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}');
    expect(owners.split(' ')).toEqual(expect.arrayContaining(['ours', 'theirs']));
  });

  it('moves from client-side to server-side apply without a conflict with itself', async () => {
    await kubectl('apply -f -', deployment('moved', 1, 'app:1'));
    expect(await kubectl('apply --server-side -f -', deployment('moved', 1, 'app:2'))).toBe('deployment.apps/moved serverside-applied');
    expect(await kubectl(['get', 'deployment', 'moved', '-o', 'jsonpath={..image}'])).toBe('app:2');
  });

  it('prunes what is no longer in the manifests', async () => {
    const both = [configMap('kept', { a: '1' }, { set: 'p' }), configMap('dropped', { a: '1' }, { set: 'p' })].join('\n---\n');
    await kubectl('apply -l set=p --prune --prune-allowlist=core/v1/ConfigMap -f -', both);
    const pruned = await kubectl(
      'apply -l set=p --prune --prune-allowlist=core/v1/ConfigMap -f -',
      configMap('kept', { a: '1' }, { set: 'p' }),
    );
    expect(pruned).toContain('configmap/dropped pruned');
    expect((await tryIt('get configmap dropped')).err).toContain('configmaps "dropped" not found');
  });

  it('replaces, also by force', async () => {
    await kubectl('create -f -', configMap('replaced', { a: '1' }));
    const uid = await kubectl('get configmap replaced -o jsonpath={.metadata.uid}');
    expect(await kubectl('replace -f -', configMap('replaced', { b: '2' }))).toBe('configmap/replaced replaced');
    expect(await kubectl('get configmap replaced -o jsonpath={.data}')).toBe('{"b":"2"}');
    expect(await kubectl('get configmap replaced -o jsonpath={.metadata.uid}')).toBe(uid);
    await kubectl(['replace', '--force', '-f', file('forced.json', configMap('replaced', { c: '3' }))]);
    expect(await kubectl('get configmap replaced -o jsonpath={.metadata.uid}')).not.toBe(uid);
  });

  it.each([
    ['json', '[{"op":"replace","path":"/template/spec/containers/0/image","value":"app:json"}]', 'app:json other:1'],
    ['strategic', '{"template":{"spec":{"containers":[{"name":"main","image":"app:strategic"}]}}}', 'app:strategic other:1'],
    ['merge', '{"template":{"spec":{"containers":[{"name":"main","image":"app:merge"}]}}}', 'app:merge'],
  ])('patches by %s patch', async (type, patch, images) => {
    // A pod template is nobody's but the client's: what is patched twice stays as it is between.
    const name = `patched-${type}`;
    const containers = [
      { name: 'main', image: 'app:1' },
      { name: 'other', image: 'other:1' },
    ];
    const template = { metadata: { labels: { app: name } }, spec: { containers } };
    await kubectl('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name }, template }));
    expect(await kubectl(['patch', 'podtemplate', name, `--type=${type}`, '-p', patch])).toBe(`podtemplate/${name} patched`);
    expect(await kubectl(['get', 'podtemplate', name, '-o', 'jsonpath={.template.spec.containers[*].image}'])).toBe(images);
    expect(await kubectl(['patch', 'podtemplate', name, `--type=${type}`, '-p', type === 'json' ? '[]' : '{}'])).toContain('(no change)');
  });

  it('patches subresources', async () => {
    await kubectl('create -f -', deployment('scaled', 1, 'app:1'));
    await kubectl(['patch', 'deployment', 'scaled', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":2}}']);
    expect(await kubectl('get deployment scaled --subresource=scale -o jsonpath={.spec.replicas}')).toBe('2');
    await kubectl('scale deployment/scaled --replicas=0 --current-replicas=2');
    expect(await kubectl('get deployment scaled -o jsonpath={.spec.replicas}')).toBe('0');
  });

  it('says who somebody is and what they may do', async () => {
    expect(await kubectl('auth whoami')).toMatch(/Username\s+kubernetes-admin|Username\s+\S*admin/);
    expect(await kubectl('auth can-i create deployments')).toBe('yes');
    const viewer = `system:serviceaccount:${namespace}:viewer`;
    await kubectl('create serviceaccount viewer');
    await kubectl(`create rolebinding viewer --clusterrole=view --serviceaccount=${namespace}:viewer`);
    expect((await tryIt(`auth can-i create deployments --as=${viewer}`)).out.trim()).toBe('no');
    expect(await kubectl(`auth can-i list pods --as=${viewer}`)).toBe('yes');
    const rules = await kubectl(`auth can-i --list --as=${viewer}`);
    expect(rules).toMatch(/deployments\.apps\s+\[\]\s+\[\]\s+\[get list watch\]/);
    expect(rules).toMatch(/selfsubjectaccessreviews\.authorization\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/);
    const refused = await tryIt(`get secrets --as=${viewer}`);
    expect(refused.err).toContain(
      `secrets is forbidden: User "${viewer}" cannot list resource "secrets" in API group "" in the namespace "${namespace}"`,
    );
  });

  it('makes a token that opens what its account may see', async () => {
    await kubectl('create serviceaccount robot');
    await kubectl(`create rolebinding robot --clusterrole=view --serviceaccount=${namespace}:robot`);
    const token = await kubectl('create token robot --duration=20m');
    const config = file('robot.kubeconfig', readFileSync(cluster.kubeconfig, 'utf8'));
    const asRobot = ['--kubeconfig', config, '--user=robot'];
    await kubectl(['config', 'set-credentials', 'robot', `--token=${token}`, '--kubeconfig', config]);
    expect(await kubectl(['auth', 'whoami', ...asRobot])).toContain(`system:serviceaccount:${namespace}:robot`);
    await kubectl(['get', 'configmaps', ...asRobot]);
    expect((await tryIt(['get', 'nodes', ...asRobot])).err).toContain('nodes is forbidden');
    await kubectl('delete serviceaccount robot');
    expect((await tryIt(['get', 'configmaps', ...asRobot])).err).toMatch(/Unauthorized|must be logged in/);
  });

  it('adds a container to a running pod for debugging', async () => {
    await kubectl('run debugged --image=app:1');
    await kubectl('wait --for=condition=Ready pod/debugged --timeout=60s');
    await kubectl('debug debugged --image=tools:1 --container=look --attach=false -- sleep 1');
    const added = await kubectl('get pod debugged -o jsonpath={.spec.ephemeralContainers[*].name}:{.spec.ephemeralContainers[*].image}');
    expect(added).toBe('look:tools:1');
    const refused = await tryIt(['patch', 'pod', 'debugged', '-p', '{"spec":{"ephemeralContainers":[{"name":"x","image":"x"}]}}']);
    expect(refused.err).toMatch(/pod updates may not|Forbidden/i);
  });

  it('lists what happened, oldest first', async () => {
    await kubectl('run eventful --image=app:1');
    await kubectl('wait --for=condition=Ready pod/eventful --timeout=60s');
    const events = await eventually('the events', async () => {
      const text = await kubectl('events --for=pod/eventful');
      return /Started/.test(text) && text;
    });
    expect(events).toMatch(/LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/);
    expect(events.indexOf('Scheduled')).toBeLessThan(events.indexOf('Started'));
  });

  it('explains fields', async () => {
    const text = await kubectl('explain pod.spec.containers.livenessProbe.httpGet');
    expect(text).toMatch(/KIND:\s+Pod/);
    expect(text).toMatch(/FIELD: httpGet <HTTPGetAction>/);
    expect(text).toMatch(/port\s+<IntOrString> -required-/);
    const deep = await kubectl('explain cronjob.spec.jobTemplate.spec --recursive');
    expect(deep).toMatch(/backoffLimit\s+<integer>/);
    expect(deep).toMatch(/completionMode\s+<string>/);
    expect((await tryIt('explain pod.spec.nothing')).err).toContain('field "nothing" does not exist');
  });

  it('lists the resources there are', async () => {
    const wide = await kubectl('api-resources -o wide');
    expect(wide).toMatch(/pods\s+po\s+v1\s+true\s+Pod\s+create,delete,deletecollection,get,list,patch,update,watch\s+all/);
    expect(wide).toMatch(/cronjobs\s+cj\s+batch\/v1\s+true\s+CronJob\s+\S+\s+all/);
    expect(wide).toMatch(/tokenreviews\s+authentication\.k8s\.io\/v1\s+false\s+TokenReview\s+create/);
    const versions = (await kubectl('api-versions')).split('\n');
    expect(versions).toEqual(expect.arrayContaining(['apps/v1', 'autoscaling/v2', 'batch/v1', 'rbac.authorization.k8s.io/v1', 'v1']));
  });

  it('refuses fields that do not exist, and warns of them where asked to', async () => {
    const odd = JSON.stringify({ ...JSON.parse(configMap('odd', {})), spec: { a: 1 } });
    expect((await tryIt('create -f -', odd)).err).toContain('strict decoding error: unknown field "spec"');
    const warned = await tryIt('create --validate=warn -f -', odd);
    expect(warned).toMatchObject({ code: 0, err: expect.stringContaining('Warning: unknown field "spec"') });
  });

  it('tells both versions and where the cluster is', async () => {
    expect(await kubectl('version')).toMatch(/Client Version: v1\.\d+\.\d+\S*\n(Kustomize .*\n)?Server Version: v1\.36\.\d+/);
    expect(await kubectl('cluster-info')).toMatch(/Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/);
    const { out } = await tryIt('version -o json');
    expect((JSON.parse(out) as { serverVersion: { major: string } }).serverVersion.major).toBe('1');
  });

  it('proxies the API to a port that it draws, and to a socket', async () => {
    const free = cluster.background(['proxy', '--port=0', '--disable-filter']);
    const port = await eventually('the port', async () => /Starting to serve on 127\.0\.0\.1:(\d+)/.exec(free.output())?.[1]);
    expect(await (await fetch(`http://127.0.0.1:${port}/api/`)).json()).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    free.child.kill();
    const socketPath = path.join(folder, 'proxy.sock');
    const local = cluster.background(['proxy', `--unix-socket=${socketPath}`]);
    await eventually('the socket', async () => local.output().includes('Starting to serve on'));
    const text = await new Promise<string>((resolve, reject) => {
      get({ socketPath, path: '/api/' }, (answer) => {
        let body = '';
        answer.on('data', (piece: Buffer) => (body += piece.toString()));
        answer.on('end', () => resolve(body));
      }).on('error', reject);
    });
    expect(JSON.parse(text)).toMatchObject({ kind: 'APIVersions' });
    local.child.kill();
  });

  it('runs a pod, labels, annotates and dry-runs it', async () => {
    await kubectl('run single --image=app:1');
    expect(await kubectl('get pod single -o jsonpath={.spec.containers[0].image}')).toBe('app:1');
    await kubectl('label pod single colour=red');
    expect(await kubectl('get pods -l colour=red -o name')).toBe('pod/single');
    await kubectl('label pod single colour-');
    expect(await kubectl('get pods -l colour=red -o name')).toBe('');
    await kubectl(['patch', 'pod', 'single', '-p', '{"metadata":{"annotations":{"x":"y"}}}']);
    expect(await kubectl('get pod single -o jsonpath={.metadata.annotations.x}')).toBe('y');
    await kubectl(['patch', 'pod', 'single', '--dry-run=server', '-p', '{"spec":{"containers":[{"name":"single","image":"app:2"}]}}']);
    expect(await kubectl('get pod single -o jsonpath={.spec.containers[0].image}')).toBe('app:1');
  });

  it('lists in chunks, with selectors, and watches', async () => {
    await kubectl(
      'create -f -',
      Array.from({ length: 25 }, (_, i) => configMap(`c${i}`, {}, { chunk: i % 2 ? 'odd' : 'even' })).join('\n---\n'),
    );
    expect((await kubectl('get configmaps -l chunk --chunk-size=4 -o name')).split('\n')).toHaveLength(25);
    expect((await kubectl('get configmaps -l chunk=odd -o name')).split('\n')).toHaveLength(12);
    expect(await kubectl('get configmaps --field-selector metadata.name=c7 -o name')).toBe('configmap/c7');
    const watch = cluster.background(['get', 'configmaps', '-n', namespace, '-l', 'chunk', '-w', '--output-watch-events']);
    await eventually('what is there', async () => watch.output().includes('c24'));
    await kubectl('label configmap c24 chunk-');
    await kubectl('label configmap c3 more=1');
    await eventually('the label gone is a deletion to this watch', async () => /DELETED\s+c24/.test(watch.output()));
    await eventually('the other is a change', async () => /MODIFIED\s+c3/.test(watch.output()));
    watch.child.kill();
    await kubectl('delete configmaps -l chunk --wait');
    expect(await kubectl('get configmaps -l chunk=even -o name')).toBe('');
  });
});
