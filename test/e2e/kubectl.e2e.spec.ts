import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(180_000);

const SHELL = 'decklog-test/shell:1';
const ECHO = 'kicbase/echo-server:1.0';

interface Deployment {
  metadata: { labels: Record<string, string>; annotations: Record<string, string>; generation: number };
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

const deployment = (name: string, changes: { readonly labels?: Record<string, string>; readonly replicas?: number } = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: changes.labels ?? { app: name, tier: 'front' } },
    spec: {
      replicas: changes.replicas ?? 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: SHELL, command: ['sh', '-c', 'trap exit TERM; while true; do echo tick; sleep 0.2; done'] }],
        },
      },
    },
  });

describe('kubectl, day by day', () => {
  let cluster: TestCluster;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-kubectl-'));

  beforeAll(async () => {
    buildImage('shell', SHELL);
    buildImage('shell', 'decklog-test/shell:2');
    buildImage('echo', ECHO);
    cluster = await TestCluster.start();
    await cluster.kubectl('apply -f -', { input: deployment('web') });
    await cluster.kubectl('rollout status deployment/web --timeout=60s');
    await cluster.kubectl(
      `run box --image=${SHELL} --command -- sh -c`
        .split(' ')
        .concat(['trap exit TERM; echo hello; sleep 0.3; echo warning >&2; while true; do sleep 0.2; done']),
    );
    await cluster.kubectl('wait --for=condition=Ready pod/box --timeout=60s');
  });
  afterAll(async () => {
    await cluster?.delete();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets everything in every namespace, wide', async () => {
    await cluster.kubectl('expose deployment web --port=80');
    const table = await eventually('endpoints appear', async () => {
      const text = await cluster.kubectl('get nodes,pods,deploy,rs,svc,ep,endpointslices -A -o wide');
      return text.includes('endpointslice.discovery.k8s.io/web-') && text;
    });
    for (const heading of [
      'STATUS',
      'ROLES',
      'INTERNAL-IP',
      'READY',
      'RESTARTS',
      'NOMINATED NODE',
      'UP-TO-DATE',
      'DESIRED',
      'CLUSTER-IP',
      'ENDPOINTS',
      'ADDRESSTYPE',
    ])
      expect(table).toContain(heading);
    expect(table).toMatch(/node\/\S+\s+Ready/);
    expect(table).toMatch(/deployment\.apps\/web\s+2\/2\s+2\s+2/);
  });

  it('describes a pod with its events', async () => {
    const text = await cluster.kubectl('describe pod box');
    for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started']) expect(text).toContain(reason);
    expect(text).toMatch(/Service Account:\s+default/);
    expect(text).toMatch(/Ready\s+True/);
  });

  it('shows logs, and follows them', async () => {
    await eventually('both lines', async () => (await cluster.kubectl('logs box')) === 'hello\nwarning\n');
    expect(await cluster.kubectl('logs box --tail=1')).toBe('warning\n');
    expect(await cluster.kubectl('logs box --timestamps --tail=1')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z warning\n$/);
    const follow = cluster.background(['logs', '-f', 'deployment/web']);
    await eventually('three ticks', async () => (follow.output().match(/tick/g)?.length ?? 0) > 3);
    follow.child.kill();
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('executes a command over %s', async (_, websockets) => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets };
    expect(await cluster.kubectl('exec box -- echo one two', { env })).toBe('one two\n');
    expect(await cluster.kubectl('exec -i box -- cat', { env, input: 'through and back\n' })).toBe('through and back\n');
    const failed = await cluster.tryKubectl(['exec', 'box', '--', 'sh', '-c', 'echo bad >&2; exit 7'], { env });
    expect(failed).toMatchObject({ code: 7, out: '' });
    expect(failed.err).toContain('bad');
    const big = await cluster.kubectl(['exec', 'box', '--', 'sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x'], { env });
    expect(big).toHaveLength(3_000_000);
  });

  it('executes interactively with a terminal', async () => {
    const { out } = await cluster.run(
      'script',
      ['-qec', `${cluster.kubectlPath()} exec -it box -- sh -c 'tty; stty size || true; echo done'`, '/dev/null'],
      { input: '' },
    );
    expect(out).toContain('/dev/pts/');
    expect(out).toContain('done');
  });

  it('attaches to a container', async () => {
    const attached = cluster.background(['attach', 'deployment/web']);
    await eventually('ticks', async () => attached.output().includes('tick'));
    attached.child.kill();
  });

  it.each([
    ['WebSocket', 'true'],
    ['SPDY', 'false'],
  ])('forwards a port over %s', async (_, websockets) => {
    await cluster.tryKubectl(`run echo --image=${ECHO} --port=8080`);
    await cluster.kubectl('wait --for=condition=Ready pod/echo --timeout=60s');
    process.env.KUBECTL_PORT_FORWARD_WEBSOCKETS = websockets;
    const forward = cluster.background(['port-forward', 'pod/echo', ':8080']);
    delete process.env.KUBECTL_PORT_FORWARD_WEBSOCKETS;
    const port = await eventually('it listens', async () => /127\.0\.0\.1:(\d+)/.exec(forward.output())?.[1]);
    for (let at = 0; at < 3; at++) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('Hostname: echo');
    forward.child.kill();
  });

  it('copies files to a pod and back', async () => {
    const local = path.join(folder, 'there.txt');
    writeFileSync(local, 'x'.repeat(100_000));
    await cluster.kubectl(['cp', local, 'box:/tmp/there.txt']);
    await cluster.kubectl(['cp', 'box:/tmp/there.txt', path.join(folder, 'back.txt')]);
    expect(readFileSync(path.join(folder, 'back.txt'), 'utf8')).toBe(readFileSync(local, 'utf8'));
  });

  it('scales, and waits', async () => {
    await cluster.kubectl('scale deployment web --replicas=5');
    await cluster.kubectl(['wait', '--for=jsonpath={.status.readyReplicas}=5', 'deployment/web', '--timeout=90s']);
    await cluster.kubectl('scale deployment web --replicas=2');
    await cluster.kubectl(['wait', '--for=jsonpath={.status.replicas}=2', 'deployment/web', '--timeout=60s']);
  });

  it('rolls out a new image, shows the history and undoes it', async () => {
    await cluster.kubectl('set image deployment/web main=decklog-test/shell:2');
    await cluster.kubectl('rollout status deployment/web --timeout=90s');
    expect((await cluster.get<Deployment>('deployment web')).spec.template.spec.containers[0]?.image).toBe('decklog-test/shell:2');
    expect(await cluster.kubectl('rollout history deployment/web')).toMatch(/REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/);
    await cluster.kubectl('rollout undo deployment/web');
    await cluster.kubectl('rollout status deployment/web --timeout=90s');
    expect((await cluster.get<Deployment>('deployment web')).spec.template.spec.containers[0]?.image).toBe(SHELL);
    expect(await cluster.kubectl('rollout history deployment/web')).toMatch(/2\s+<none>\n3\s+<none>/);
  });

  it('applies twice, with a field changed and another removed', async () => {
    await cluster.kubectl('apply -f -', { input: deployment('applied') });
    expect(await cluster.kubectl('apply -f -', { input: deployment('applied') })).toBe('deployment.apps/applied unchanged\n');
    const changed = deployment('applied', { labels: { app: 'applied' }, replicas: 1 });
    expect(await cluster.kubectl('apply -f -', { input: changed })).toBe('deployment.apps/applied configured\n');
    const { metadata, spec } = await cluster.get<Deployment>('deployment applied');
    expect(metadata.labels).toEqual({ app: 'applied' });
    expect(spec.replicas).toBe(1);
  });

  it('edits with an editor', async () => {
    const editor = path.join(folder, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/^  replicas: .*/  replicas: 3/" "$1"\n', { mode: 0o755 });
    expect(await cluster.kubectl('edit deployment applied', { env: { KUBE_EDITOR: editor } })).toContain('edited');
    expect((await cluster.get<Deployment>('deployment applied')).spec.replicas).toBe(3);
  });

  it('labels, annotates and selects', async () => {
    await cluster.kubectl('label pod box colour=blue');
    await cluster.kubectl('annotate pod box note=kept');
    expect(await cluster.kubectl('get pods -l colour=blue -o name')).toBe('pod/box\n');
    expect(await cluster.kubectl('get pods -l colour!=blue,app=web -o name')).not.toContain('box');
    expect(await cluster.kubectl('get pods --field-selector metadata.name=box -o name')).toBe('pod/box\n');
    await cluster.kubectl('label pod box colour-');
  });

  it('watches', async () => {
    const watch = cluster.background(['get', 'configmaps', '-w', '--output-watch-events']);
    await cluster.kubectl('create configmap seen --from-literal=a=b');
    await cluster.kubectl('label configmap seen x=y');
    await cluster.kubectl('delete configmap seen');
    await eventually('three events', async () => /ADDED\s+seen[\s\S]*MODIFIED\s+seen[\s\S]*DELETED\s+seen/.test(watch.output()));
    watch.child.kill();
  });

  it('deletes with dependents in the foreground, and leaves them as orphans', async () => {
    await cluster.kubectl('delete deployment applied --cascade=foreground --timeout=60s');
    expect(await cluster.kubectl('get rs,pods -l app=applied -o name')).toBe('');
    await cluster.kubectl('apply -f -', { input: deployment('left') });
    await cluster.kubectl('rollout status deployment/left --timeout=60s');
    await cluster.kubectl('delete deployment left --cascade=orphan');
    const left = await cluster.get<{ items: { metadata: { ownerReferences?: unknown[] } }[] }>('rs -l app=left');
    expect(left.items).toHaveLength(1);
    expect(left.items[0]?.metadata.ownerReferences).toBeUndefined();
    await cluster.kubectl('delete rs,pods -l app=left --timeout=60s');
  });

  it('explains kinds and lists what is served', async () => {
    expect(await cluster.kubectl('explain deployment.spec.strategy')).toContain('rollingUpdate');
    expect(await cluster.kubectl('api-resources')).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
    expect(await cluster.kubectl('version')).toContain('Server Version: v1.36');
    expect(await cluster.kubectl('auth whoami')).toContain('kubernetes-admin');
  });

  it('drains a node and brings it back', async () => {
    const [node = ''] = (await cluster.kubectl('get nodes -o name')).trim().split('\n');
    await cluster.kubectl(['drain', node, '--ignore-daemonsets', '--force', '--delete-emptydir-data', '--timeout=90s']);
    expect(await cluster.kubectl('get nodes')).toContain('SchedulingDisabled');
    const pending = await eventually('pods wait', async () => {
      const text = await cluster.kubectl('get pods -l app=web');
      return text.includes('Pending') && text;
    });
    expect(pending).not.toContain('Running');
    const events = await eventually('why', async () => {
      const text = await cluster.kubectl('get events --field-selector reason=FailedScheduling');
      return text.includes('0/1 nodes are available') && text;
    });
    expect(events).toContain('were unschedulable');
    await cluster.kubectl(['uncordon', node]);
    await cluster.kubectl('rollout status deployment/web --timeout=90s');
  });

  it('deletes a namespace with everything in it', async () => {
    await cluster.kubectl('create namespace gone');
    await cluster.kubectl('-n gone create configmap inside');
    await cluster.kubectl('-n gone apply -f -', { input: deployment('web') });
    await cluster.kubectl('delete namespace gone --timeout=90s');
    const { code, err } = await cluster.tryKubectl('-n gone create configmap late');
    expect(code).toBe(1);
    expect(err).toContain('namespaces "gone" not found');
  });
});
