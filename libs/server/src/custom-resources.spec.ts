import type { KubeObject } from '#libs/apimachinery';
import { customResourceDefinitionController, garbageCollector, namespaceController } from '#libs/controllers';
import { ControllerLoop } from '#libs/runtime';
import { startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = 'stable.example.com';

let server: TestApiServer;
let loops: readonly ControllerLoop[] = [];

beforeAll(async () => {
  server = await startTestApiServer();
  const { view, writePath } = server;
  const world = { now: Date.now, random: Math.random, uuid: () => crypto.randomUUID() };
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  loops = [customResourceDefinitionController, garbageCollector, namespaceController].map(
    (controller) => new ControllerLoop({ controller: controller as never, view, writePath, world, logger, build: 'test' }),
  );
  for (const loop of loops) loop.start();
  await until(async () => (await server.ask('/api/v1/namespaces/default')).code === 200);
});

afterAll(async () => {
  await Promise.all(loops.map((loop) => loop.stop()));
  await server.close();
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it never came to be');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const send = (method: string, path: string, body: unknown, type?: string): Promise<TestAnswer> =>
  server.ask(path, { method, body, ...(type ? { headers: { 'content-type': type } } : {}) });

const post = (path: string, body: unknown): Promise<TestAnswer> => send('POST', path, body);

const conditionOf = (crd: Json, type: string): Json | undefined =>
  (crd as { status?: { conditions?: readonly Json[] } }).status?.conditions?.find((condition) => condition['type'] === type);

interface Wanted {
  readonly plural: string;
  readonly kind: string;
  readonly scope?: string;
  readonly schema?: Json;
  readonly version?: Json;
  readonly names?: Json;
  readonly spec?: Json;
}

const manifest = ({ plural, kind, scope = 'Namespaced', schema, version = {}, names = {}, spec = {} }: Wanted): KubeObject & Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${GROUP}` },
  spec: {
    group: GROUP,
    scope,
    names: { plural, kind, ...names },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        ...version,
      },
    ],
    ...spec,
  },
});

async function define(wanted: Wanted): Promise<void> {
  const crd = manifest(wanted);
  const answer = await post(CRDS, crd);
  if (answer.code !== 201) throw new Error(answer.text);
  await until(async () => conditionOf((await server.ask(`${CRDS}/${crd.metadata.name}`)).json(), 'Established')?.['status'] === 'True');
}

const objects = (plural: string, version = 'v1'): string => `/apis/${GROUP}/${version}/namespaces/default/${plural}`;

const object = (kind: string, name: string, rest: Json = {}): Json => ({
  apiVersion: `${GROUP}/v1`,
  kind,
  metadata: { name },
  ...rest,
});

describe('the life of a definition', () => {
  it('is served at once after it is established, and gone at once with all its objects after it is deleted', async () => {
    await define({ plural: 'lives', kind: 'Life', names: { shortNames: ['lf'] } });
    expect((await server.ask(`/apis/${GROUP}/v1`)).json()['resources']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'lives', kind: 'Life', shortNames: ['lf'], namespaced: true })]),
    );
    const created = await post(objects('lives'), object('Life', 'one', { spec: { a: 1 } }));
    expect(created.code).toBe(201);
    expect(created.json()).toMatchObject({ kind: 'Life', metadata: { name: 'one', generation: 1 }, spec: { a: 1 } });
    const removed = await send('DELETE', `${CRDS}/lives.${GROUP}`, undefined);
    expect(removed.json()).toMatchObject({ metadata: { finalizers: ['customresourcecleanup.apiextensions.k8s.io'] } });
    await until(async () => (await server.ask(`${CRDS}/lives.${GROUP}`)).code === 404);
    expect((await server.ask(objects('lives'))).code).toBe(404);
    expect((await server.ask(`/apis/${GROUP}/v1`)).code).toBe(404);
    expect(server.logged).toEqual([]);
  });
});
