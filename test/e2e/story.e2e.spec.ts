import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

const GOOD = 'decklog-test/shell:1';
const BROKEN = 'decklog-test/broken:1';
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'eve'] as const;
type Person = (typeof PEOPLE)[number];

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly phase: string };
}

interface Revision {
  readonly sequence: number;
  readonly type: string;
  readonly verb: string;
  readonly actor: { readonly user: string };
  readonly object: { readonly name: string };
}

/** Pods that are moved soon after their node is gone. */
const SHOP = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop' },
  spec: {
    replicas: 2,
    progressDeadlineSeconds: 5,
    selector: { matchLabels: { app: 'shop' } },
    template: {
      metadata: { labels: { app: 'shop' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        tolerations: ['not-ready', 'unreachable'].map((key) => ({
          key: `node.kubernetes.io/${key}`,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 2,
        })),
        containers: [
          {
            name: 'main',
            image: GOOD,
            imagePullPolicy: 'Never',
            command: ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.2; done'],
          },
        ],
      },
    },
  },
};

/** Who may do what: four who work, and one who may look at everything but Secrets. */
const RIGHTS = [
  ...(['alice', 'bob', 'carol'] as const).map((name) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name, namespace: 'prod' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  })),
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'namespaces-deleter' },
    rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'delete'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'dave' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'namespaces-deleter' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'dave' }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'eve' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }],
  },
];

/** An incident from its beginning to the lost namespace; then what the log alone says of it, and what it brings back. */
describe('a namespace that four people worked on', () => {
  let cluster: TestCluster;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-story-'));
  /** Sequences of `state`: the moment before each act. */
  const moments = { scaled: 0, broken: 0, dead: 0, rolledBack: 0, deleted: 0 };
  let first: readonly Pod[];
  let broken: readonly Pod[];
  let evicted: Pod;
  let lost: string;

  const kubeconfigOf = (person: Person): string => path.join(folder, `${person}.kubeconfig`);
  const as = (person: Person, args: string): Promise<string> => cluster.kubectl(`--kubeconfig ${kubeconfigOf(person)} -n prod ${args}`);
  /** What a command of the past says; it may end with any of the codes. */
  const says = async (args: readonly string[], ...codes: readonly number[]): Promise<string> => {
    const { code, out, err } = await cluster.decklog(args, { timeoutMs: 120_000 });
    expect({ args, err, known: [0, ...codes].includes(code) }).toEqual({ args, err: '', known: true });
    return out;
  };
  /** The same as one line: sentences are wrapped. */
  const said = async (args: readonly string[], ...codes: readonly number[]): Promise<string> =>
    (await says(args, ...codes)).replace(/\s+/g, ' ');
  const pods = async (): Promise<readonly Pod[]> => (await cluster.get<{ items: readonly Pod[] }>('pods -n prod -l app=shop')).items;
  const running = (all: readonly Pod[]): readonly Pod[] =>
    all.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Running');
  const now = async (): Promise<number> => {
    const list = JSON.parse(await cluster.kubectl('get --raw /api/v1/namespaces?limit=1')) as { metadata: { resourceVersion: string } };
    return Number(list.metadata.resourceVersion);
  };
  const nodes = async (): Promise<string> => cluster.kubectl('get nodes --no-headers');

  beforeAll(async () => {
    buildImage('shell', GOOD);
    const tokens = path.join(folder, 'tokens.csv');
    writeFileSync(tokens, PEOPLE.map((name) => `token-of-${name},${name},uid-of-${name}\n`).join(''));
    cluster = await TestCluster.start('--nodes', '2', '--token-auth-file', tokens);
    const config = JSON.parse(await cluster.kubectl('config view --raw --minify -o json')) as { users: { user: object }[] };
    for (const name of PEOPLE) {
      const users = config.users.map((one) => ({ ...one, user: { token: `token-of-${name}` } }));
      writeFileSync(kubeconfigOf(name), JSON.stringify({ ...config, users }));
    }
    await cluster.kubectl('create namespace prod');
    await cluster.kubectl('apply -f -', { input: RIGHTS.map((one) => JSON.stringify(one)).join('\n---\n') });
    await cluster.kubectl('create secret generic db -n prod --from-literal=password=swordfish');
    await cluster.kubectl('apply -n prod -f -', { input: JSON.stringify(SHOP) });
    await cluster.kubectl('rollout status -n prod deployment/shop --timeout=60s');

    moments.scaled = await now();
    await as('alice', 'scale deployment shop --replicas=3');
    await as('alice', 'rollout status deployment/shop --timeout=60s');
    first = running(await pods());

    moments.broken = await now();
    await as('bob', `set image deployment/shop main=${BROKEN}`);
    await eventually('the rollout stalls', async () =>
      /ProgressDeadlineExceeded/.test(await cluster.kubectl('get deployment shop -n prod -o jsonpath={.status.conditions}')),
    );
    broken = (await pods()).filter(({ spec }) => spec.containers[0]?.image === BROKEN);

    moments.dead = await now();
    // Not the node of the broken pod, where there is another: so that somebody has to take that one back.
    const whole = running(await pods());
    lost = (whole.find(({ spec }) => broken.every((pod) => pod.spec.nodeName !== spec.nodeName)) ?? whole[0])?.spec.nodeName ?? '';
    evicted = whole.find(({ spec }) => spec.nodeName === lost) as Pod;
    const agent = (await cluster.components()).find(({ name }) => name === lost || lost.endsWith(name));
    process.kill(agent?.pid ?? NaN, 'SIGKILL');
    await eventually('the node is NotReady', async () => new RegExp(`${lost}\\s+NotReady`).test(await nodes()), 90_000);
    await eventually('its pods are to go', async () =>
      (await pods()).every(({ metadata, spec }) => spec.nodeName !== lost || metadata.deletionTimestamp !== undefined),
    );

    moments.rolledBack = await now();
    await as('carol', 'rollout undo deployment/shop');
    await eventually(
      'the shop is whole again',
      async () => running(await pods()).filter(({ spec }) => spec.nodeName !== lost).length === 3,
    );
    await cluster.start('--nodes', '2');
    await eventually('the node is back', async () => new RegExp(`${lost}\\s+Ready`).test(await nodes()));
    await eventually('what was evicted is gone', async () => (await pods()).length === 3);

    moments.deleted = await now();
    await cluster.kubectl(`--kubeconfig ${kubeconfigOf('dave')} delete namespace prod --wait=false`);
    await cluster.kubectl('wait --for=delete namespace/prod --timeout=60s');
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.delete();
  });

  it('has a history that names who did what to the Deployment', async () => {
    const { items } = JSON.parse(await says(['history', 'deploy/shop', '-n', 'prod', '--no-status', '-o', 'json'])) as {
      items: readonly Revision[];
    };
    const people = items.filter(({ actor }) => ['alice', 'bob', 'carol'].includes(actor.user));
    expect(people.map(({ actor, verb }) => `${actor.user} ${verb}`)).toEqual(['carol patch', 'bob patch', 'alice patch']);
    const [carol, bob, alice] = people.map(({ sequence }) => sequence);
    expect([moments.scaled, alice, moments.broken, bob, moments.dead, moments.rolledBack, carol, moments.deleted]).toEqual(
      [moments.scaled, alice, moments.broken, bob, moments.dead, moments.rolledBack, carol, moments.deleted].sort((a = 0, b = 0) => a - b),
    );
    expect(items[0]).toMatchObject({ type: 'Deleted' });
    const text = await said(['history', 'deploy/shop', '-n', 'prod', '--fields', 'spec.template', '--no-status']);
    expect(text).toContain(`image: ${GOOD} -> ${BROKEN}`);
    expect(text).not.toContain('alice');
  });

  it('says who broke it, and which pods that hit', async () => {
    const [root] = (
      JSON.parse(await says(['history', 'deploy/shop', '-n', 'prod', '--no-status', '-o', 'json'])) as { items: readonly Revision[] }
    ).items.filter(({ actor }) => actor.user === 'bob');
    const begun = await says(['activity', '--root', String(root?.sequence), '--kind', 'pods', '--verb', 'create', '-o', 'ndjson']);
    const hit = begun
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { object: { name: string } }).object.name);
    expect(broken.length).toBeGreaterThan(0);
    expect(hit).toEqual(expect.arrayContaining(broken.map(({ metadata }) => metadata.name)));
    for (const { metadata } of broken) {
      const why = await said(['why', `pod/${metadata.name}`, '-n', 'prod', '--at', String(moments.dead)]);
      expect(why).toContain(`bob changed Deployment shop: image: ${GOOD} -> ${BROKEN}`);
    }
  });

  it('says why each pod was deleted: the node, the way back, the namespace', async () => {
    const why = (pod: Pod): Promise<string> => said(['why', `pod/${pod.metadata.name}`, '-n', 'prod']);
    expect(await why(evicted)).toMatch(new RegExp(`was deleted .* because .*${lost}`));
    for (const pod of broken) {
      expect(await why(pod)).toMatch(
        pod.spec.nodeName === lost ? /because .*tainted/ : /was deleted .* because carol changed Deployment shop/,
      );
    }
    const last = (
      JSON.parse(await says(['at', String(moments.deleted), '--', 'get', 'pods', '-n', 'prod', '-o', 'json'])) as { items: readonly Pod[] }
    ).items;
    expect(last).toHaveLength(3);
    for (const pod of last) expect(await why(pod)).toContain('dave deleted Namespace prod');
  });

  it('shows what it looked like before each act', async () => {
    const before = (moment: number, ...args: readonly string[]): Promise<string> =>
      says(['at', String(moment), '--', ...args, '-n', 'prod']);
    const replicas = ['get', 'deploy', 'shop', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}'];
    expect(await before(moments.scaled, ...replicas)).toBe(`2 ${GOOD}`);
    expect(await before(moments.broken, ...replicas)).toBe(`3 ${GOOD}`);
    expect(await before(moments.dead, ...replicas)).toBe(`3 ${BROKEN}`);
    expect((await before(moments.broken, 'get', 'pods', '-o', 'name')).trim().split('\n').sort()).toEqual(
      first.map(({ metadata }) => `pod/${metadata.name}`).sort(),
    );
    const difference = await says(['diff', '-n', 'prod', '--from', String(moments.broken), '--to', String(moments.dead)], 1);
    expect(difference).toContain(`-   spec.template.spec.containers[main].image: ${GOOD}`);
    expect(difference).toContain(`+   spec.template.spec.containers[main].image: ${BROKEN}`);
    for (const { metadata } of broken) expect(difference).toContain(`+ Pod prod/${metadata.name} (created)`);
  });

  it('tells what people did, in order, and nothing of the cluster itself', async () => {
    const lines = (await says(['activity', '--people', '-n', 'prod', '--category', 'change', '-o', 'ndjson'])).trim().split('\n');
    const acts = lines
      .map((line) => JSON.parse(line) as { actor: { user: string }; verb: string; object?: { resource: string; name: string } })
      .filter(({ actor }) => (PEOPLE as readonly string[]).includes(actor.user))
      .map(({ actor, verb, object }) => `${actor.user} ${verb} ${object?.resource ?? ''}/${object?.name ?? ''}`);
    expect(acts.filter((act) => act.includes('deployments/'))).toEqual([
      'alice patch deployments/shop',
      'bob patch deployments/shop',
      'carol patch deployments/shop',
    ]);
    expect(await says(['activity', '--actor', 'dave', '--kind', 'namespaces', '-A'])).toContain('delete namespaces/prod');
  });

  it('shows nothing of a Secret to who may not read Secrets', async () => {
    const eve = ['--kubeconfig', kubeconfigOf('eve')];
    const shown: string[] = [];
    for (const args of [
      ['at', String(moments.broken), ...eve, '--', 'get', 'secrets', '-n', 'prod', '-o', 'yaml'],
      ['at', String(moments.broken), ...eve, '--', 'get', 'secret', 'db', '-n', 'prod', '-o', 'yaml'],
      ['history', 'secret/db', '-n', 'prod', ...eve, '-o', 'json'],
      ['diff', '-n', 'prod', '--from', '0', '--to', String(moments.broken), ...eve],
      ['activity', '-n', 'prod', ...eve, '-o', 'ndjson'],
      ['activity', '--kind', 'secrets', '-n', 'prod', ...eve],
    ]) {
      const { out, err } = await cluster.decklog(args, { timeoutMs: 60_000 });
      shown.push(out, err);
    }
    expect(shown.join('\n')).not.toMatch(/swordfish|c3dvcmRmaXNo/);
    expect(shown[1]).toContain('secrets is forbidden: User "eve" cannot list resource "secrets"');
    expect(shown[3]).toContain('secrets "db" is forbidden: User "eve" cannot get resource "secrets"');
    expect(await says(['at', String(moments.broken), ...eve, '--', 'get', 'deploy', '-n', 'prod', '-o', 'name'])).toBe(
      'deployment.apps/shop\n',
    );
    expect(await says(['at', String(moments.broken), '--', 'get', 'secret', 'db', '-n', 'prod', '-o', 'jsonpath={.data.password}'])).toBe(
      'c3dvcmRmaXNo',
    );
  });

  it('would be decided the same way again', async () => {
    const { code, out, err } = await cluster.decklog(['replay', '--verify'], { timeoutMs: 120_000 });
    expect({ code, out, err }).toMatchObject({ code: 0 });
  });

  it('is brought back with all that it held, and runs', async () => {
    const plan = await says(['restore', 'namespace/prod', '--tree', '--yes']);
    expect(plan).toContain('shop');
    await cluster.kubectl('rollout status -n prod deployment/shop --timeout=60s');
    expect(running(await pods())).toHaveLength(3);
    expect((await pods()).every(({ spec }) => spec.containers[0]?.image === GOOD)).toBe(true);
    expect(await cluster.kubectl('get secret db -n prod -o jsonpath={.data.password}')).toBe('c3dvcmRmaXNo');
    await as('alice', 'scale deployment shop --replicas=1');
  });
});
