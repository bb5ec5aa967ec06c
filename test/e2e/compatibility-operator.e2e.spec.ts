import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, TestCluster } from '../cluster.js';

jest.setTimeout(180_000);

const DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: fleets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: fleets, singular: fleet, kind: Fleet, shortNames: [fl], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.ships, statusReplicasPath: .status.ships, labelSelectorPath: .status.selector}}
    additionalPrinterColumns:
    - {name: Ships, type: integer, jsonPath: .spec.ships}
    - {name: Afloat, type: integer, jsonPath: .status.ships}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [ships]
            properties: {ships: {type: integer, minimum: 0, maximum: 10}, colour: {type: string, enum: [red, blue], default: red}}
            x-kubernetes-validations:
            - {rule: "self.colour != 'blue' || self.ships <= 3", message: "a blue fleet has three ships at most"}
          status:
            type: object
            properties: {ships: {type: integer}, selector: {type: string}}
`;

/** An operator as people write them: informers on its own kind and on what it makes, owner references, a finalizer and a status. */
const OPERATOR = `
import * as k8s from '@kubernetes/client-node';
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const place = { group: 'example.com', version: 'v1', namespace: 'default', plural: 'fleets' };
const merge = k8s.setHeaderOptions('Content-Type', 'application/merge-patch+json');
const FINALIZER = 'example.com/sink';
const fleets = k8s.makeInformer(config, '/apis/example.com/v1/namespaces/default/fleets', () => custom.listNamespacedCustomObject(place));
const ships = k8s.makeInformer(config, '/api/v1/namespaces/default/configmaps', () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'ship' }), 'ship');
const waiting = new Set();
let running = Promise.resolve();
const enqueue = (name) => {
  if (waiting.has(name)) return;
  waiting.add(name);
  running = running.then(() => { waiting.delete(name); return reconcile(name); }).catch((error) => {
    if (error.code !== 409) console.error('failed', name, error.code ?? error);
    setTimeout(() => enqueue(name), 100);
  });
};
async function reconcile(name) {
  const fleet = await custom.getNamespacedCustomObject({ ...place, name }).catch((error) => { if (error.code === 404) return undefined; throw error; });
  if (!fleet) return;
  const { uid, deletionTimestamp, finalizers = [] } = fleet.metadata;
  const own = ships.list('default').filter(({ metadata }) => metadata.labels.ship === name);
  if (deletionTimestamp) {
    if (!finalizers.includes(FINALIZER)) return;
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'sunk-' + name }, data: { ships: String(own.length) } } }).catch((error) => { if (error.code !== 409) throw error; });
    await custom.patchNamespacedCustomObject({ ...place, name, body: { metadata: { finalizers: finalizers.filter((one) => one !== FINALIZER) } } }, merge);
    return;
  }
  if (!finalizers.includes(FINALIZER)) await custom.patchNamespacedCustomObject({ ...place, name, body: { metadata: { finalizers: [...finalizers, FINALIZER] } } }, merge);
  for (let i = own.length; i < fleet.spec.ships; i++) {
    const owner = { apiVersion: 'example.com/v1', kind: 'Fleet', name, uid, controller: true, blockOwnerDeletion: true };
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { generateName: name + '-', labels: { ship: name }, ownerReferences: [owner] }, data: { colour: fleet.spec.colour } } });
  }
  for (const { metadata } of own.slice(fleet.spec.ships)) await core.deleteNamespacedConfigMap({ namespace: 'default', name: metadata.name });
  const live = (await core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'ship=' + name })).items.length;
  if (fleet.status?.ships !== live) await custom.patchNamespacedCustomObjectStatus({ ...place, name, body: { status: { ships: live, selector: 'ship=' + name } } }, merge);
}
for (const event of ['add', 'update']) fleets.on(event, ({ metadata }) => enqueue(metadata.name));
for (const event of ['add', 'update', 'delete']) ships.on(event, ({ metadata }) => enqueue(metadata.labels.ship));
for (const informer of [fleets, ships]) informer.on('error', () => setTimeout(() => informer.start(), 200));
await ships.start();
await fleets.start();
console.log('watching');
`;

describe('an operator written with the JavaScript client', () => {
  let cluster: TestCluster;
  let operator: ChildProcess | undefined;
  let said = '';
  // Below the checkout, whence the program finds the client's package.
  const cache = path.join(__dirname, '../../.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'operator-'));
  const fleet = (ships: number, colour?: string): string =>
    JSON.stringify({
      apiVersion: 'example.com/v1',
      kind: 'Fleet',
      metadata: { name: 'north' },
      spec: { ships, ...(colour ? { colour } : {}) },
    });
  const count = async (): Promise<number> =>
    (await cluster.kubectl('get configmaps -l ship=north -o name')).split('\n').filter(Boolean).length;

  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime', 'simulated');
    await cluster.kubectl('apply -f -', { input: DEFINITION });
    await cluster.kubectl('wait --for=condition=Established crd/fleets.example.com --timeout=30s');
    writeFileSync(path.join(folder, 'operator.mjs'), OPERATOR);
    operator = spawn(process.execPath, [path.join(folder, 'operator.mjs')], { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
    operator.stdout?.on('data', (piece: Buffer) => (said += piece.toString()));
    operator.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
    await eventually('the operator watches', async () => said.includes('watching'), 30_000);
  });
  afterAll(async () => {
    operator?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    await cluster?.delete();
  });

  it('makes what the object asks for, and says so in its status', async () => {
    await cluster.kubectl('apply -f -', { input: fleet(3) });
    await eventually('three ships', async () => (await count()) === 3);
    await eventually('the status', async () => (await cluster.kubectl('get fleet north -o jsonpath={.status.ships}')) === '3');
    expect(await cluster.kubectl('get fl north')).toMatch(/NAME\s+SHIPS\s+AFLOAT\s+AGE\nnorth\s+3\s+3\s/);
    expect(await cluster.kubectl('get configmaps -l ship=north -o jsonpath={.items[0].data.colour}')).toBe('red');
  });

  it('makes again what somebody deletes', async () => {
    const [first] = (await cluster.kubectl('get configmaps -l ship=north -o name')).split('\n');
    await cluster.kubectl(['delete', first ?? '']);
    await eventually('three again', async () => {
      const names = (await cluster.kubectl('get configmaps -l ship=north -o name')).split('\n').filter(Boolean);
      return names.length === 3 && !names.includes(first ?? '');
    });
  });

  it('follows kubectl scale', async () => {
    await cluster.kubectl('scale fleet north --replicas=1');
    await eventually('one ship', async () => (await count()) === 1);
    await eventually(
      'the scale',
      async () => (await cluster.kubectl('get fleet north --subresource=scale -o jsonpath={.status.replicas}')) === '1',
    );
  });

  it('is never shown what the definition forbids', async () => {
    const tooMany = await cluster.tryKubectl('apply -f -', { input: fleet(11) });
    expect(tooMany.err).toContain('spec.ships: Invalid value: 11: spec.ships in body should be less than or equal to 10');
    const blue = await cluster.tryKubectl('apply -f -', { input: fleet(4, 'blue') });
    expect(blue.err).toContain('a blue fleet has three ships at most');
    const green = await cluster.tryKubectl('apply -f -', { input: fleet(1, 'green') });
    expect(green.err).toContain('spec.colour: Unsupported value: "green": supported values: "red", "blue"');
  });

  it('cleans up before the object goes, and what it owned goes after it', async () => {
    await cluster.kubectl('delete fleet north --timeout=30s');
    expect(await cluster.kubectl('get configmap sunk-north -o jsonpath={.data.ships}')).toBe('1');
    await eventually('no ship is left', async () => (await count()) === 0);
    expect(said).not.toContain('failed');
  });

  it('sees its kind go', async () => {
    await cluster.kubectl('delete crd fleets.example.com --timeout=30s');
    const { err } = await eventually('nothing is served', async () => {
      const answer = await cluster.tryKubectl('get fleets');
      return answer.code !== 0 && answer;
    });
    expect(err).toMatch(/doesn't have a resource type "fleets"|the server could not find the requested resource/);
  });
});
