import { createInterface } from 'node:readline';
import { DEFINITIONS, type ResourceDefinition } from '#libs/api';
import { apiVersionOf, type KubeObject } from '#libs/apimachinery';
import { minimalManifest, startTestApiServer, type TestApiServer, type TestRequest } from '#libs/testing';

interface List {
  readonly kind: string;
  readonly items: readonly KubeObject[];
}

const NAMESPACE = 'life';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };

/** Kinds with these verbs lead a life; the others are asked about (reviews) or computed (component statuses). */
const LIVING = DEFINITIONS.filter(({ verbs }) => verbs.includes('create') && verbs.includes('get'));

const labelOf = ({ resource: { group, version, resource } }: ResourceDefinition): string =>
  `${resource}.${group.split('.')[0] || 'core'}.${version}`;
const has = ({ subresources }: ResourceDefinition, name: string): boolean => subresources.some((one) => one.name === name);

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  for (const name of ['default', NAMESPACE]) {
    if ((await api.ask(`/api/v1/namespaces/${name}`)).code === 404) {
      await api.ask('/api/v1/namespaces', { method: 'POST', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
    }
    await api.ask(`/api/v1/namespaces/${name}/serviceaccounts`, {
      method: 'POST',
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
    });
  }
  // A stream without an event has no version to watch from.
  for (const [apiVersion, kind, path] of [
    ['v1', 'Event', '/api/v1/namespaces/default/events'],
    ['coordination.k8s.io/v1', 'Lease', '/apis/coordination.k8s.io/v1/namespaces/default/leases'],
  ] as const) {
    await api.ask(path, { method: 'POST', body: minimalManifest(apiVersion, kind, 'default') });
  }
});
afterAll(() => api.close());

/** One object of a kind, and where it is served. */
class Life {
  readonly collection: string;
  readonly path: string;
  readonly manifest: KubeObject;
  private readonly everywhere: string;
  private readonly label: string;

  constructor(readonly definition: ResourceDefinition) {
    const { resource, kind, scope } = definition;
    const apiVersion = apiVersionOf(resource);
    const found = minimalManifest(apiVersion, kind, scope === 'Namespaced' ? NAMESPACE : undefined);
    if (found === undefined) throw new Error(`minimalManifest knows no ${apiVersion} ${kind}`);
    this.label = labelOf(definition);
    this.manifest = { ...found, metadata: { ...found.metadata, labels: { life: this.label } } };
    this.everywhere = `/${resource.group === '' ? 'api' : 'apis'}/${apiVersion}/${resource.resource}`;
    const inside = `/${resource.group === '' ? 'api' : 'apis'}/${apiVersion}/namespaces/${NAMESPACE}/${resource.resource}`;
    this.collection = scope === 'Namespaced' ? inside : this.everywhere;
    this.path = `${this.collection}/${found.metadata.name ?? ''}`;
  }

  async ask(path: string, request: TestRequest, code: number): Promise<KubeObject> {
    const answer = await api.ask(path, request);
    if (answer.code !== code) throw new Error(`${request.method ?? 'GET'} ${path}: ${answer.code} ${answer.text}`);
    return answer.json<KubeObject & Record<string, unknown>>();
  }

  async listed(everywhere = false): Promise<readonly KubeObject[]> {
    const { json } = await api.ask(`${everywhere ? this.everywhere : this.collection}?labelSelector=life%3D${this.label}`);
    return json<List & Record<string, unknown>>().items;
  }

  /** Where a watch has to begin to be told everything. */
  async beginning(): Promise<string> {
    return (await this.ask(this.collection, {}, 200)).metadata.resourceVersion ?? '';
  }

  /** What a watch tells of the object until it is gone, repetitions left out. */
  async told(from: string): Promise<readonly string[]> {
    const stream = await api.open(`${this.collection}?watch=1&resourceVersion=${from}&labelSelector=life%3D${this.label}`);
    const types: string[] = [];
    for await (const line of createInterface({ input: stream })) {
      const { type } = JSON.parse(line) as { readonly type: string };
      if (types.at(-1) !== type) types.push(type);
      if (type === 'DELETED' || type === 'ERROR') break;
    }
    stream.destroy();
    return types;
  }

  async delete(): Promise<void> {
    if (this.definition.verbs.includes('deletecollection')) {
      await this.ask(`${this.collection}?labelSelector=life%3D${this.label}`, { method: 'DELETE' }, 200);
    } else await this.ask(this.path, { method: 'DELETE' }, 200);
    const left = await api.ask(this.path);
    if (left.code === 404) return;
    // What its controller would do: it is done with the object.
    const object = left.json<{ readonly metadata: { readonly deletionTimestamp?: string } } & Record<string, unknown>>();
    expect(object.metadata.deletionTimestamp).toBeDefined();
    if (has(this.definition, 'finalize')) {
      await this.ask(`${this.path}/finalize`, { method: 'PUT', body: { ...object, spec: { finalizers: [] } } }, 200);
    } else await this.ask(this.path, { method: 'PATCH', headers: MERGE, body: { metadata: { finalizers: null } } }, 200);
  }
}

describe.each(LIVING.map((definition) => [labelOf(definition), definition] as const))('the life of %s', (_, definition) => {
  let life: Life;
  let first: string;
  beforeAll(() => {
    life = new Life(definition);
  });

  it('begins with a create, and is found by get and by lists with its label', async () => {
    const { kind, resource } = definition;
    first = await life.beginning();
    const made = await life.ask(life.collection, { method: 'POST', body: life.manifest }, 201);
    expect(made).toMatchObject({ kind, apiVersion: apiVersionOf(resource), metadata: { labels: life.manifest.metadata.labels ?? {} } });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await life.ask(life.path, {}, 200)).toEqual(made);
    for (const everywhere of [false, true]) {
      expect((await life.listed(everywhere)).map(({ metadata }) => metadata.name)).toEqual([life.manifest.metadata.name]);
    }
    const again = await api.ask(life.collection, { method: 'POST', body: life.manifest });
    expect(again).toMatchObject({ code: 409 });
    expect(again.json()).toMatchObject({ reason: 'AlreadyExists' });
  });

  it('goes on with patches, updates and applies', async () => {
    const patched = await life.ask(
      life.path,
      { method: 'PATCH', headers: MERGE, body: { metadata: { annotations: { patched: 'yes' } } } },
      200,
    );
    expect(patched.metadata.annotations).toMatchObject({ patched: 'yes' });
    const annotations = { ...patched.metadata.annotations, updated: 'yes' };
    const updated = await life.ask(life.path, { method: 'PUT', body: { ...patched, metadata: { ...patched.metadata, annotations } } }, 200);
    expect(updated.metadata).toMatchObject({ annotations, uid: patched.metadata.uid });
    expect(updated.metadata.resourceVersion).not.toBe(patched.metadata.resourceVersion);
    const stale = await api.ask(life.path, {
      method: 'PUT',
      body: { ...patched, metadata: { ...patched.metadata, annotations: { a: 'b' } } },
    });
    expect(stale).toMatchObject({ code: 409 });
    const { apiVersion, kind } = life.manifest;
    const body = { apiVersion, kind, metadata: { name: life.manifest.metadata.name, annotations: { applied: 'yes' } } };
    const applied = await life.ask(`${life.path}?fieldManager=life`, { method: 'PATCH', headers: APPLY, body }, 200);
    expect(applied.metadata.annotations).toMatchObject({ patched: 'yes', updated: 'yes', applied: 'yes' });
    const once = await life.ask(`${life.path}?fieldManager=life`, { method: 'PATCH', headers: APPLY, body }, 200);
    expect(once.metadata.resourceVersion).toBe(applied.metadata.resourceVersion);
  });

  it('does not move when an update changes nothing', async () => {
    const now = await life.ask(life.path, {}, 200);
    expect((await life.ask(life.path, { method: 'PUT', body: now }, 200)).metadata.resourceVersion).toBe(now.metadata.resourceVersion);
    const dry = await life.ask(
      `${life.path}?dryRun=All`,
      { method: 'PATCH', headers: MERGE, body: { metadata: { labels: { dry: 'run' } } } },
      200,
    );
    expect(dry.metadata.labels).toMatchObject({ dry: 'run' });
    expect(await life.ask(life.path, {}, 200)).toEqual(now);
  });

  if (has(definition, 'status')) {
    it('has a status that is read, patched and updated apart', async () => {
      const status = await life.ask(`${life.path}/status`, {}, 200);
      expect(status).toEqual(await life.ask(life.path, {}, 200));
      const patched = await life.ask(
        `${life.path}/status`,
        { method: 'PATCH', headers: MERGE, body: { metadata: { annotations: { status: 'patched' } } } },
        200,
      );
      expect(patched.kind).toBe(definition.kind);
      const replaced = await life.ask(`${life.path}/status`, { method: 'PUT', body: patched }, 200);
      expect(replaced.metadata.uid).toBe(status.metadata.uid);
    });
  }

  if (has(definition, 'scale')) {
    it('has a scale', async () => {
      const scale = await life.ask(`${life.path}/scale`, {}, 200);
      expect(scale).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1' });
      const patched = await life.ask(`${life.path}/scale`, { method: 'PATCH', headers: MERGE, body: { spec: { replicas: 4 } } }, 200);
      expect(patched).toMatchObject({ spec: { replicas: 4 } });
    });
  }

  it('ends with a deletion, and a watch has told all of it', async () => {
    await life.delete();
    expect((await api.ask(life.path)).json()).toMatchObject({ code: 404, reason: 'NotFound' });
    expect(await life.listed()).toEqual([]);
    expect(await life.told(first)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });
});
