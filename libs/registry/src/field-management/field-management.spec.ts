import fc from 'fast-check';
import { BUILT_IN, type Deployment } from '#libs/api';
import { StatusError, type KubeObject, type ManagedFieldsEntry } from '#libs/apimachinery';
import { decideWrite } from '../decide.js';
import type { AdmissionStep, Known, Patch, WriteRequest } from '../write.js';

const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const CONFIGMAPS = { group: '', version: 'v1', resource: 'configmaps' };
const SETTINGS = { serviceCidr: '10.96.0.0/16', nodePorts: [30000, 32767] as const, clusterDomain: 'cluster.local' };
const T0 = Date.parse('2026-01-01T00:00:00Z');

/** A cluster of one namespace in memory: each write is decided on what those before it left. */
class Objects {
  readonly #stored = new Map<string, { sequence: number; object: KubeObject }>();
  #sequence = 0;
  #now = T0;

  constructor() {
    this.#put('namespaces//ns', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns', uid: 'u-ns' } });
  }

  #put(key: string, object: KubeObject): void {
    this.#sequence += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#sequence) };
    this.#stored.set(key, { sequence: this.#sequence, object: { ...object, metadata } });
  }

  write(
    request: Omit<WriteRequest, 'requester' | 'options' | 'definition' | 'namespace'> & Partial<WriteRequest>,
    manager: string,
  ): KubeObject {
    const definition = request.definition ?? BUILT_IN.definitionOf(DEPLOYMENTS);
    if (!definition) throw new Error('no definition');
    const known: Known = {
      object: ({ resource }, namespace, name) => this.#stored.get(`${resource}/${namespace}/${name}`) ?? null,
      list: () => [],
      verifies: () => true,
      answer: () => undefined,
    };
    this.#now += 1000;
    const step: AdmissionStep = decideWrite(
      { namespace: 'ns', options: {}, ...request, definition, requester: { actor: { user: 'u' }, fieldManager: manager } },
      known,
      { now: this.#now, uid: `uid-${this.#now}`, suffix: 'abcde', draw: 0 },
      SETTINGS,
    );
    if ('need' in step) throw new Error('needs more');
    const [own] = step.writes;
    if (own) this.#put(`${definition.resource.resource}/ns/${own.object.metadata.name ?? ''}`, own.object);
    return step.answer;
  }

  apply(body: object, manager: string, options: WriteRequest['options'] = {}, more: Partial<WriteRequest> = {}): KubeObject {
    const { name = '' } = (body as KubeObject).metadata;
    const patch: Patch = { type: 'apply', body };
    return this.write({ verb: 'patch', name, patch, options, ...more }, manager);
  }

  get writes(): number {
    return this.#sequence;
  }
}

const web = (spec: object = {}, image = 'a'): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
    ...spec,
  },
});

const entryOf = (object: KubeObject, manager: string): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager);

function refusal(act: () => unknown): StatusError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

describe('who owns which field', () => {
  test('a creator owns what it sent and what defaulting gave it, without the server’s own fields', () => {
    const object = new Objects().write(
      {
        verb: 'create',
        definition: BUILT_IN.definitionOf(CONFIGMAPS),
        object: { metadata: { name: 'a', labels: { x: '1' } }, data: { k: 'v' } },
      } as never,
      'kubectl-create',
    );
    expect(object.metadata.managedFields).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2026-01-01T00:00:01Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { '.': {}, 'f:k': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } } },
      },
    ]);
  });

  test('an apply creates the object that is not there, and its manager owns just what it set', () => {
    const object = new Objects().apply(web({ replicas: 2 }), 'me');
    expect(entryOf(object, 'me')).toMatchObject({ operation: 'Apply', apiVersion: 'apps/v1' });
    expect(entryOf(object, 'me')?.fieldsV1).toMatchObject({ 'f:spec': { 'f:replicas': {}, 'f:selector': {} } });
    expect(JSON.stringify(entryOf(object, 'me'))).not.toContain('strategy');
  });

  test('applying the same twice writes nothing', () => {
    const objects = new Objects();
    const first = objects.apply(web(), 'me');
    const before = objects.writes;
    expect(objects.apply(web(), 'me').metadata.managedFields).toEqual(first.metadata.managedFields);
    expect(objects.writes).toBe(before);
  });

  test('a field that another manager owns is a conflict, which names the field and its owner', () => {
    const objects = new Objects();
    objects.apply(web({ replicas: 2 }), 'one');
    const { reason, message, details } = refusal(() => objects.apply(web({ replicas: 3 }), 'two'));
    expect(reason).toBe('Conflict');
    expect(message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.replicas');
    expect(details?.causes).toEqual([{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }]);
  });

  test('several conflicts are listed by manager', () => {
    const objects = new Objects();
    objects.apply(web({ replicas: 2 }), 'one');
    expect(refusal(() => objects.apply(web({ replicas: 3 }, 'b'), 'two')).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n- .spec.template.spec.containers[name="web"].image',
    );
  });

  test('an updater is named with the version it used', () => {
    const objects = new Objects();
    objects.apply(web({ replicas: 2 }), 'one');
    objects.write({ verb: 'patch', name: 'web', patch: { type: 'merge', body: { spec: { replicas: 5 } } } }, 'kubectl-scale');
    expect(refusal(() => objects.apply(web({ replicas: 2 }), 'one')).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-scale" using apps/v1: .spec.replicas',
    );
  });

  test('force takes the field over', () => {
    const objects = new Objects();
    objects.apply(web({ replicas: 2 }), 'one');
    const object = objects.apply(web({ replicas: 3 }), 'two', { force: true }) as Deployment;
    expect(object.spec?.replicas).toBe(3);
    expect(JSON.stringify(entryOf(object, 'one'))).not.toContain('replicas');
    expect(JSON.stringify(entryOf(object, 'two'))).toContain('replicas');
  });

  test('two managers that want the same own it together, and it stays until both give it up', () => {
    const objects = new Objects();
    objects.apply(web({ replicas: 2 }), 'one');
    objects.apply(web({ replicas: 2 }), 'two');
    expect((objects.apply(web(), 'one') as Deployment).spec?.replicas).toBe(2);
    expect((objects.apply(web(), 'two') as Deployment).spec?.replicas).toBe(1);
  });

  test('what a manager leaves out is removed, what others added stays', () => {
    const objects = new Objects();
    const labelled = (labels: object): object => ({ ...web(), metadata: { name: 'web', labels } });
    objects.apply(labelled({ a: '1', b: '2' }), 'me');
    objects.write({ verb: 'patch', name: 'web', patch: { type: 'merge', body: { metadata: { labels: { c: '3' } } } } }, 'other');
    expect(objects.apply(labelled({ b: '2' }), 'me').metadata.labels).toEqual({ b: '2', c: '3' });
  });

  test('an item of a list that only its applier wanted goes with it', () => {
    const objects = new Objects();
    const env = (...names: readonly string[]): object =>
      web({
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'web', image: 'a', env: names.map((name) => ({ name, value: '1' })) }] },
        },
      });
    objects.apply(env('A', 'B'), 'me');
    const object = objects.apply(env('B'), 'me') as Deployment;
    expect(object.spec?.template.spec?.containers[0]?.env).toEqual([{ name: 'B', value: '1' }]);
  });

  test('status belongs to who writes the subresource, and an apply of the main resource can’t own it', () => {
    const objects = new Objects();
    const object = objects.apply({ ...web(), status: { replicas: 7 } }, 'me');
    expect(JSON.stringify(object.metadata.managedFields)).not.toContain('f:status');
    const status = objects.apply({ ...web(), status: { replicas: 7 } }, 'controller', {}, { subresource: 'status' }) as Deployment;
    expect(status.status?.replicas).toBe(7);
    expect(entryOf(status, 'controller')).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
  });

  test('an empty list of managed fields resets them, and the next apply begins anew', () => {
    const objects = new Objects();
    objects.apply(web(), 'me');
    const bare = objects.write(
      {
        verb: 'patch',
        name: 'web',
        patch: { type: 'json', operations: [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }] },
      },
      'admin',
    );
    expect(bare.metadata.managedFields).toBeUndefined();
    const next = objects.apply(web({ replicas: 1 }), 'me', { force: true });
    expect(next.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['me', 'before-first-apply']);
  });

  test('no more than ten updaters are kept apart', () => {
    const objects = new Objects();
    objects.apply(web(), 'me');
    let object: KubeObject | undefined;
    for (let i = 0; i < 15; i++) {
      object = objects.write(
        { verb: 'patch', name: 'web', patch: { type: 'merge', body: { metadata: { labels: { [`l${i}`]: 'x' } } } } },
        `manager-${i}`,
      );
    }
    const entries = object?.metadata.managedFields ?? [];
    expect(entries.filter(({ operation }) => operation === 'Update')).toHaveLength(10);
    expect(entryOf(object as KubeObject, 'ancient-changes')).toBeDefined();
    for (let i = 0; i < 15; i++) expect(JSON.stringify(entries)).toContain(`f:l${i}"`);
  });

  test.each<[string, object, string]>([
    ['another kind', { ...web(), kind: 'ReplicaSet' }, 'invalid object type: apps/v1, Kind=ReplicaSet'],
    ['managed fields', { ...web(), metadata: { name: 'web', managedFields: [] } }, 'metadata.managedFields must be nil'],
    [
      'a field that is not declared',
      web({ replica: 1 }),
      'failed to create typed patch object (ns/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
    ],
    [
      'a field that is not declared, in a list with one owner',
      web({ template: { spec: { containers: [{ name: 'a', command: ['x'], env: [] }], tolerations: [{ keys: 'a' }] } } }),
      'failed to create typed patch object (ns/web; apps/v1, Kind=Deployment): .spec.template.spec.tolerations[0].keys: field not declared in schema',
    ],
    [
      'items that can’t be told apart',
      web({ template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } }),
      'failed to create typed patch object (ns/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]',
    ],
  ])('an apply with %s is refused', (_, body, message) => {
    expect(refusal(() => new Objects().apply(body, 'me'))).toMatchObject({ reason: 'BadRequest', message });
  });
});

describe('server-side apply, whatever is applied', () => {
  const managers = ['one', 'two', 'three'];
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'), { maxKeys: 4 });
  const step = fc.record({ manager: fc.constantFrom(...managers), data, force: fc.boolean(), update: fc.boolean() });
  const configmap = (values: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: values });
  const definition = BUILT_IN.definitionOf(CONFIGMAPS);

  const run = (
    objects: Objects,
    { manager, data: values, force, update }: { manager: string; data: object; force: boolean; update: boolean },
  ): KubeObject | undefined => {
    if (!definition) throw new Error('no definition');
    try {
      if (update) return objects.write({ verb: 'patch', name: 'a', definition, patch: { type: 'merge', body: { data: values } } }, manager);
      return objects.apply(configmap(values), manager, { force }, { definition });
    } catch (thrown) {
      if (thrown instanceof StatusError && ['Conflict', 'NotFound'].includes(thrown.reason)) return undefined;
      throw thrown;
    }
  };

  test('every value has an owner, and the last applier owns what it applied', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const objects = new Objects();
        for (const one of steps) {
          const object = run(objects, one) as (KubeObject & { data?: Readonly<Record<string, string>> }) | undefined;
          if (!object) continue;
          const text = (object.metadata.managedFields ?? []).map((entry) => JSON.stringify(entry.fieldsV1));
          for (const key of Object.keys(object.data ?? {})) expect(text.some((fields) => fields.includes(`"f:${key}"`))).toBe(true);
          if (!one.update) {
            expect(object.data ?? {}).toMatchObject(one.data);
            const own = object.metadata.managedFields?.find(({ manager, operation }) => manager === one.manager && operation === 'Apply');
            for (const key of Object.keys(one.data)) expect(JSON.stringify(own?.fieldsV1)).toContain(`"f:${key}"`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('applying once more changes nothing and writes no event', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), data, (steps, values) => {
        const objects = new Objects();
        for (const one of steps) run(objects, one);
        const last = { manager: 'one', data: values, force: true, update: false };
        const first = run(objects, last);
        const before = objects.writes;
        expect(run(objects, last)?.metadata.managedFields).toEqual(first?.metadata.managedFields);
        expect(objects.writes).toBe(before);
      }),
      { numRuns: 300 },
    );
  });
});

describe('server-side apply of Deployments and Services, whatever is applied', () => {
  const variables = fc.uniqueArray(fc.record({ name: fc.constantFrom('X', 'Y', 'Z'), value: fc.constantFrom('1', '2') }), {
    selector: ({ name }) => name,
    maxLength: 3,
  });
  const container = fc.record({ name: fc.constantFrom('a', 'b'), image: fc.constantFrom('i:1', 'i:2'), env: variables });
  const containers = fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1, maxLength: 2 });
  const aDeployment = fc
    .record({ containers, replicas: fc.option(fc.nat(3), { nil: undefined }), note: fc.boolean() })
    .map(({ containers: list, replicas, note }) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a', ...(note ? { annotations: { note: 'here' } } : {}) },
      spec: {
        ...(replicas === undefined ? {} : { replicas }),
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: { containers: list } },
      },
    }));
  const port = fc.record({ name: fc.constantFrom('http', 'dns'), protocol: fc.constantFrom('TCP', 'UDP'), port: fc.constantFrom(80, 53) });
  const aService = fc
    .uniqueArray(port, { selector: ({ name }) => name, comparator: 'IsStrictlyEqual', minLength: 1, maxLength: 2 })
    .filter((ports) => new Set(ports.map(({ port: number, protocol }) => `${number}/${protocol}`)).size === ports.length)
    .map((ports) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { clusterIP: 'None', ports } }));

  /** Applies; undefined where that is refused, in which case nothing is written. */
  const applied = (objects: Objects, manifest: object, manager: string, force: boolean): KubeObject | undefined => {
    const { apiVersion, kind } = manifest as KubeObject;
    const definition = BUILT_IN.definitionByKind(apiVersion, kind);
    if (!definition) throw new Error('no definition');
    const before = objects.writes;
    try {
      return objects.apply(manifest, manager, { force }, { definition });
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || !['Conflict', 'Invalid'].includes(thrown.reason)) throw thrown;
      expect(objects.writes).toBe(before);
      return undefined;
    }
  };

  test.each([
    ['Deployment', aDeployment],
    ['Service', aService],
  ] as const)('of a %s the applier gets what it set, keeps owning it, and writes nothing the second time', (_, manifests) => {
    const step = fc.record({
      manager: fc.constantFrom('one', 'two', 'three'),
      manifest: manifests as fc.Arbitrary<object>,
      force: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const objects = new Objects();
        for (const { manager, manifest, force } of steps) {
          const first = applied(objects, manifest, manager, force);
          if (!first) continue;
          const before = objects.writes;
          expect(unversioned(applied(objects, manifest, manager, false))).toEqual(unversioned(first));
          expect(objects.writes).toBe(before);
          const own = first.metadata.managedFields?.find((entry) => entry.manager === manager && entry.operation === 'Apply');
          for (const { name } of namedItems(manifest)) {
            expect(namedItems(first).map((item) => item.name)).toContain(name);
            expect(JSON.stringify(own?.fieldsV1)).toContain(kindOfItem(manifest, name));
          }
          const owners = (first.metadata.managedFields ?? []).map(({ fieldsV1 }) => JSON.stringify(fieldsV1)).join();
          for (const { name } of namedItems(first)) expect(owners).toContain(kindOfItem(first, name));
        }
      }),
      { numRuns: 200 },
    );
  });
});

interface NamedItem {
  readonly name: string;
  readonly port?: number;
  readonly protocol?: string;
}

/** What is answered without the version that it gets when it is stored. */
function unversioned(object: KubeObject | undefined): unknown {
  const { resourceVersion: _version, ...metadata } = object?.metadata ?? {};
  return { ...object, metadata };
}

/** The containers of a Deployment, or the ports of a Service. */
function namedItems(object: object): readonly NamedItem[] {
  const { spec } = object as {
    readonly spec: {
      readonly ports?: readonly NamedItem[];
      readonly template?: { readonly spec?: { readonly containers: readonly NamedItem[] } };
    };
  };
  return spec.ports ?? spec.template?.spec?.containers ?? [];
}

/** How the fields of an item are named in a FieldsV1, as JSON within JSON. */
function kindOfItem(object: object, name: string): string {
  const item = namedItems(object).find((one) => one.name === name);
  const key = item?.port === undefined ? { name } : { port: item.port, protocol: item.protocol };
  return JSON.stringify(`k:${JSON.stringify(key)}`).slice(1, -1);
}
