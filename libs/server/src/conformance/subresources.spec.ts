import { definitionByKind } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { minimalManifest, startTestApiServer, type TestApiServer } from '#libs/testing';

interface Stated extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
  await api.ask('/api/v1/namespaces/default/serviceaccounts', { method: 'POST', body: { metadata: { name: 'default' } } });
});
afterAll(() => api.close());

async function ask(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Stated> {
  const answer = await api.ask(path, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<Stated & Record<string, unknown>>();
}

/** Creates the least that makes an object of the kind, and says where it is. */
async function made(apiVersion: string, kind: string, spec: object = {}): Promise<string> {
  const definition = definitionByKind(apiVersion, kind);
  if (definition === undefined) throw new Error(`no ${kind}`);
  const manifest = minimalManifest(apiVersion, kind, definition.scope === 'Namespaced' ? 'default' : undefined) as Stated;
  const inside = definition.scope === 'Namespaced' ? '/namespaces/default' : '';
  const collection = `/${apiVersion === 'v1' ? 'api' : 'apis'}/${apiVersion}${inside}/${definition.resource.resource}`;
  await ask('POST', collection, { ...manifest, spec: { ...manifest.spec, ...spec } });
  return `${collection}/${manifest.metadata.name ?? ''}`;
}

const condition = (type: string, reason: string, more: object = {}): object => ({
  conditions: [{ type, status: 'True', reason, message: `set by ${reason}`, lastTransitionTime: '2026-01-01T00:00:00Z', ...more }],
});
const conditions = (type: string): readonly [object, object] => [condition(type, 'Patched'), condition(type, 'Updated')];

const FUTURE = '2036-01-01T00:00:00Z';
const probed = (reason: string): object => condition('Ready', reason, { lastProbeTime: FUTURE });
/** A kind, and two statuses that somebody gives it one after the other. */
const STATUSES: readonly (readonly [string, string, object, object])[] = [
  ['apps/v1', 'DaemonSet', ...conditions('StatusUpdate')],
  ['apps/v1', 'Deployment', ...conditions('StatusUpdate')],
  ['apps/v1', 'ReplicaSet', ...conditions('StatusUpdate')],
  ['apps/v1', 'StatefulSet', ...conditions('StatusUpdate')],
  ['v1', 'ReplicationController', ...conditions('StatusUpdate')],
  ['batch/v1', 'Job', condition('CustomConditionType', 'Patched'), { active: 1, startTime: '2026-01-01T00:00:00Z' }],
  ['batch/v1', 'CronJob', { lastScheduleTime: '2026-01-01T00:00:00Z' }, { lastScheduleTime: '2026-01-02T00:00:00Z' }],
  ['policy/v1', 'PodDisruptionBudget', { disruptedPods: { a: FUTURE } }, { disruptedPods: { b: FUTURE } }],
  ['v1', 'Service', { loadBalancer: { ingress: [{ ip: '203.0.113.1', ipMode: 'VIP' }] } }, condition('StatusUpdate', 'Updated')],
  ['v1', 'Pod', probed('Patched'), probed('Updated')],
  ['v1', 'Node', condition('Ready', 'Patched'), condition('Ready', 'Updated')],
  ['v1', 'PersistentVolume', { phase: 'Available', message: 'StatusPatched' }, { phase: 'Available', message: 'StatusUpdated' }],
  ['v1', 'PersistentVolumeClaim', ...conditions('StatusUpdate')],
  ['storage.k8s.io/v1', 'VolumeAttachment', { attached: true }, { attached: false, attachError: { message: 'no' } }],
  [
    'networking.k8s.io/v1',
    'Ingress',
    { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
    { loadBalancer: { ingress: [{ hostname: 'a' }] } },
  ],
  ['networking.k8s.io/v1', 'ServiceCIDR', ...conditions('Ready')],
  ['resource.k8s.io/v1', 'ResourceClaim', { allocation: {} }, {}],
];

const labels = { changed: 'yes' };

describe.each(STATUSES)('the status of a %s %s', (apiVersion, kind, first, second) => {
  let path: string;

  it('is patched, and the patch moves nothing else', async () => {
    path = await made(apiVersion, kind, kind === 'Service' ? { type: 'LoadBalancer' } : {});
    const before = await ask('GET', path);
    const patched = await ask('PATCH', `${path}/status`, { spec: { nothing: 1, replicas: 7, unschedulable: true }, status: first }, MERGE);
    expect(patched.status).toMatchObject(first);
    expect(patched.spec).toEqual(before.spec);
    expect(patched.metadata.generation).toBe(before.metadata.generation);
    expect((await ask('GET', `${path}/status`)).status).toEqual(patched.status);
  });

  it('is updated, and a write of the object leaves it alone', async () => {
    const found = await ask('GET', path);
    const { conditions: _, allocation: __, ...rest } = found.status ?? {};
    const updated = await ask('PUT', `${path}/status`, { ...found, status: { ...rest, ...second } });
    expect(updated.status).toMatchObject(second);
    const written = await ask('PUT', path, { ...updated, metadata: { ...updated.metadata, labels }, status: first });
    expect(written).toMatchObject({ metadata: { labels } });
    expect(written.status).toEqual(updated.status);
  });

  it('is applied, and its manager is kept apart', async () => {
    const found = await ask('GET', path);
    const body = { apiVersion, kind, metadata: { name: found.metadata.name }, status: first };
    const applied = await ask('PATCH', `${path}/status?fieldManager=conformance&force=true`, body, APPLY);
    expect(applied.status).toMatchObject(first);
    expect(applied.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'conformance', operation: 'Apply', subresource: 'status' }),
    );
  });
});

describe.each([
  ['v1', 'ReplicationController', 'app=web'],
  ['apps/v1', 'ReplicaSet', 'app=web'],
  ['apps/v1', 'Deployment', 'app=web'],
  ['apps/v1', 'StatefulSet', 'app=web'],
])('the scale of a %s %s', (apiVersion, kind, selector) => {
  it('is read, updated and patched, and the object follows', async () => {
    const definition = definitionByKind(apiVersion, kind);
    const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
    const name = `scaled-${kind.toLowerCase()}`;
    const collection = `${base}/namespaces/default/${definition?.resource.resource ?? ''}`;
    const manifest = minimalManifest(apiVersion, kind, 'default') as Stated;
    await ask('POST', collection, { ...manifest, metadata: { name }, spec: { ...manifest.spec, replicas: 1 } });
    const path = `${collection}/${name}`;
    const scale = await ask('GET', `${path}/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name },
      spec: { replicas: 1 },
      status: { selector },
    });
    const updated = await ask('PUT', `${path}/scale`, { ...scale, spec: { replicas: 2 } });
    expect(updated).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    expect((await ask('GET', path)).spec).toMatchObject({ replicas: 2 });
    expect(await ask('PATCH', `${path}/scale`, { spec: { replicas: 4 } }, MERGE)).toMatchObject({ spec: { replicas: 4 } });
    expect((await ask('GET', path)).spec).toMatchObject({ replicas: 4 });
  });
});
