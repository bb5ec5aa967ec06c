import { CONFIGMAPS, DEPLOYMENTS, JOBS, LEASES, NAMESPACES, PODDISRUPTIONBUDGETS, PODS, SERVICEACCOUNTS, type Pod } from '#libs/api';
import { StatusError, toStatus, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { aBudget, aConfigMap, aDeployment, aNamespace, aPod, aServiceAccount, definedAs } from '#libs/testing';
import { SIMULATED_SETTINGS } from '#libs/simulation';
import { decideWrite } from './decide.js';
import type { Known, StoredObject, WriteContext, WriteRequest } from './write.js';

type Step = Exclude<ReturnType<typeof decideWrite>, { need: unknown }>;
type Wish = Partial<WriteRequest> & { readonly resource: GroupVersionResource };

const context: WriteContext = {
  now: Date.parse('2026-01-01T00:00:00Z'),
  uid: '00000000-0000-4000-8000-00000000abcd',
  suffix: 'xk2p9',
  draw: 0.5,
};

const request = ({ resource, ...wish }: Wish): WriteRequest => ({
  verb: 'create',
  definition: definedAs(resource),
  options: {},
  requester: { actor: { user: 'alice' } },
  ...wish,
});

/** A history, as the objects it left behind: the n-th has sequence n. */
function given(...objects: readonly (readonly [GroupVersionResource, KubeObject])[]) {
  const stored = objects.map(([resource, object], i): StoredObject & { key: string; resource: string; namespace: string } => {
    const metadata = { uid: `uid-${i + 1}`, creationTimestamp: '2025-01-01T00:00:00Z', ...object.metadata, resourceVersion: String(i + 1) };
    const { namespace = '', name = '' } = metadata;
    return {
      sequence: i + 1,
      object: { ...object, metadata },
      key: `${resource.resource}/${namespace}/${name}`,
      resource: resource.resource,
      namespace,
    };
  });
  const known: Known = {
    object: ({ resource }, namespace, name) => stored.find(({ key }) => key === `${resource}/${namespace}/${name}`) ?? null,
    list: ({ resource }, namespace) =>
      stored.filter((one) => one.resource === resource && (namespace ?? one.namespace) === one.namespace).map(({ object }) => object),
    verifies: () => true,
    answer: () => undefined,
  };
  const decide = (wish: Wish): Step => decideWrite(request(wish), known, context, SIMULATED_SETTINGS) as Step;
  return {
    known,
    when: (wish: Wish) => ({
      then: (types: readonly string[], answer: object = {}): void => {
        const step = decide(wish);
        expect(step.writes.map(({ type, object, previous }) => `${type} ${object.kind}/${object.metadata.name} after ${previous}`)).toEqual(
          types,
        );
        expect(step.answer).toMatchObject(answer);
      },
      thenRefused: (status: object): void => {
        try {
          decide(wish);
        } catch (thrown) {
          if (!(thrown instanceof StatusError)) throw thrown;
          expect(toStatus(thrown)).toMatchObject(status);
          return;
        }
        throw new Error('the write was not refused');
      },
      step: () => decide(wish),
    }),
  };
}

const base = [
  [NAMESPACES, aNamespace('default')],
  [SERVICEACCOUNTS, aServiceAccount('default')],
] as const;
const named = { namespace: 'default', name: 'a' };
const withMeta = (object: KubeObject, metadata: object): KubeObject => ({ ...object, metadata: { ...object.metadata, ...metadata } });

describe('a step of the write path', () => {
  const known: Known = { object: () => undefined, list: () => undefined, verifies: () => true, answer: () => undefined };

  it('says what it still has to know', () => {
    const step = decideWrite(
      request({ resource: CONFIGMAPS, namespace: 'default', object: aConfigMap('a') }),
      known,
      context,
      SIMULATED_SETTINGS,
    );
    expect(step).toEqual({ need: [{ kind: 'object', resource: NAMESPACES, name: 'default' }] });
  });

  it('is the same for the same arguments', () => {
    const wish = { resource: PODS, namespace: 'default', object: aPod('a') };
    expect(
      given(...base)
        .when(wish)
        .step(),
    ).toEqual(
      given(...base)
        .when(wish)
        .step(),
    );
  });
});

describe('creating', () => {
  it('takes the metadata that is the server’s from nobody', () => {
    const object = withMeta(aConfigMap('a'), {
      uid: 'mine',
      creationTimestamp: '1999-01-01T00:00:00Z',
      selfLink: '/x',
      deletionTimestamp: '2030-01-01T00:00:00Z',
      managedFields: [],
    });
    const { answer } = given(...base)
      .when({ resource: CONFIGMAPS, namespace: 'default', object })
      .step();
    expect(answer.metadata).toEqual({ name: 'a', namespace: 'default', uid: context.uid, creationTimestamp: '2026-01-01T00:00:00Z' });
  });

  it('needs neither kind nor apiVersion', () =>
    given(...base)
      .when({ resource: CONFIGMAPS, namespace: 'default', object: { metadata: { name: 'a' } } })
      .then(['Created ConfigMap/a after 0'], { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default' } }));

  it('cuts a long prefix so that the generated name fits', () => {
    const object = { metadata: { generateName: 'p'.repeat(70) } };
    const { answer } = given(...base)
      .when({ resource: CONFIGMAPS, namespace: 'default', object })
      .step();
    expect(answer.metadata.name).toBe(`${'p'.repeat(58)}xk2p9`);
  });

  it.each([
    [
      'a kind of another group',
      { ...aConfigMap('a'), kind: 'Pod' },
      400,
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    ],
    [
      'a resourceVersion',
      withMeta(aConfigMap('a'), { resourceVersion: '7' }),
      500,
      'resourceVersion should not be set on objects to be created',
    ],
    ['no name', { metadata: {} }, 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    [
      'a bad name',
      aConfigMap('A_b'),
      422,
      expect.stringMatching(/^ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/) as string,
    ],
  ])('refuses %s', (_what, object, code, message) =>
    given(...base)
      .when({ resource: CONFIGMAPS, namespace: 'default', object })
      .thenRefused({ code, message }),
  );
});

describe('creating a pod', () => {
  const wish = (spec: object, metadata: object = {}): Wish => ({
    resource: PODS,
    namespace: 'default',
    object: withMeta(aPod('a', spec), metadata),
  });
  const podOf = (wanted: Wish, account: object = {}): Pod =>
    given([NAMESPACES, aNamespace('default')], [SERVICEACCOUNTS, { ...aServiceAccount('default'), ...account }])
      .when(wanted)
      .step().answer as Pod;

  it.each([
    ['the pod declines', { automountServiceAccountToken: false }, {}],
    ['the account declines', {}, { automountServiceAccountToken: false }],
  ])('mounts no token where %s', (_who, spec, account) => expect(podOf(wish(spec), account).spec?.volumes).toBeUndefined());

  it('mounts one where the pod insists', () => {
    expect(podOf(wish({ automountServiceAccountToken: true }), { automountServiceAccountToken: false }).spec?.volumes).toHaveLength(1);
  });

  it('leaves a container alone that mounts something there', () => {
    const volumeMounts = [{ name: 'mine', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }];
    const spec = { volumes: [{ name: 'mine', emptyDir: {} }], containers: [{ name: 'main', image: 'echo:1.0', volumeMounts }] };
    expect(podOf(wish(spec)).spec?.volumes?.map(({ name }) => name)).toEqual(['mine']);
  });

  it('takes the pull secrets of its account', () => {
    expect(podOf(wish({}), { imagePullSecrets: [{ name: 'pull' }] }).spec?.imagePullSecrets).toEqual([{ name: 'pull' }]);
  });

  it('adds no toleration where the pod tolerates everything', () => {
    const tolerations = [{ operator: 'Exists' }];
    expect(podOf(wish({ tolerations })).spec?.tolerations).toEqual(tolerations);
  });

  it.each([
    [{ priorityClassName: 'gold' }, 'pods "a" is forbidden: no PriorityClass with name gold was found'],
    [
      { priority: 5 },
      'pods "a" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
  ])('refuses priorities it can not give (%#)', (spec, message) =>
    given(...base)
      .when(wish(spec))
      .thenRefused({ code: 403, message }),
  );

  it('knows the built-in priority classes', () => {
    expect(podOf(wish({ priorityClassName: 'system-node-critical' })).spec?.priority).toBe(2_000_001_000);
  });
});

describe('updating', () => {
  const current = [...base, [CONFIGMAPS, { ...aConfigMap('a', { k: 'v' }) }]] as const;
  const update = (object: unknown, more: Partial<WriteRequest> = {}): Wish => ({
    verb: 'update',
    resource: CONFIGMAPS,
    ...named,
    object,
    ...more,
  });
  const patch = (body: unknown, more: Partial<WriteRequest> = {}): Wish => ({
    verb: 'patch',
    resource: CONFIGMAPS,
    ...named,
    patch: { type: 'merge', body },
    ...more,
  });

  it('keeps what the server owns', () =>
    given(...current)
      .when(update(withMeta(aConfigMap('a', { k: 'w' }), { creationTimestamp: '1999-01-01T00:00:00Z' })))
      .then(['Updated ConfigMap/a after 3'], { metadata: { uid: 'uid-3', creationTimestamp: '2025-01-01T00:00:00Z' } }));

  it('writes nothing where nothing changes', () =>
    given(...current)
      .when(update(aConfigMap('a', { k: 'v' })))
      .then([], { metadata: { resourceVersion: '3' } }));

  it('creates a lease that is not there', () =>
    given(...base)
      .when({ verb: 'update', resource: LEASES, ...named, object: { metadata: { name: 'a' }, spec: { holderIdentity: 'x' } } })
      .then(['Created Lease/a after 0']));

  it('creates a lease that is there no more, whatever its resourceVersion was', () =>
    given(...base)
      .when({ verb: 'update', resource: LEASES, ...named, object: { metadata: { name: 'a', resourceVersion: '7' } } })
      .then(['Created Lease/a after 0']));

  it.each([LEASES, CONFIGMAPS])('takes a uid for a precondition where the object is gone: %s', (resource) =>
    given(...base)
      .when({ verb: 'update', resource, ...named, object: { metadata: { name: 'a', uid: 'gone', resourceVersion: '7' } } })
      .thenRefused({
        code: 409,
        message: expect.stringContaining('Precondition failed: UID in precondition: gone, UID in object meta: ') as string,
      }),
  );

  it('demands a resourceVersion of a lease', () =>
    given(...base, [LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: named }])
      .when({ verb: 'update', resource: LEASES, ...named, object: { metadata: { name: 'a' } } })
      .thenRefused({
        code: 422,
        message: 'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
      }));

  it.each([
    [
      'an undeterminable name',
      update({ metadata: {} }),
      400,
      'the name of the object (a based on URL) was undeterminable: name must be provided',
    ],
    ['a new name', patch({ metadata: { name: 'b' } }), 400, 'the name of the object (b) does not match the name on the URL (a)'],
    [
      'another namespace',
      update(aConfigMap('a', {}, 'other')),
      400,
      'the namespace of the object (other) does not match the namespace on the request (default)',
    ],
    [
      'a patch that does not apply',
      { ...patch({}), patch: { type: 'json', operations: [{ op: 'test', path: '/data/k', value: 'x' }] } } as Wish,
      422,
      'the server rejected our request due to an error in our request',
    ],
    [
      'a patch with an unknown field',
      patch({ foo: 1 }, { options: { fieldValidation: 'Strict' } }),
      422,
      ' "" is invalid: patch: Invalid value: "{\\"foo\\":1}": strict decoding error: unknown field "foo"',
    ],
    [
      'a finalizer without a domain',
      patch({ metadata: { finalizers: ['mine', 'example.com/x', 'orphan'] } }),
      422,
      'ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
    [
      'a deletion by the back door',
      patch({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } }),
      422,
      expect.stringContaining('metadata.deletionTimestamp: Invalid value') as string,
    ],
  ])('refuses %s', (_what, wish, code, message) =>
    given(...current)
      .when(wish)
      .thenRefused({ code, message }),
  );

  it('adds no finalizer to what is being deleted', () =>
    given(...base, [
      CONFIGMAPS,
      withMeta(aConfigMap('a'), {
        deletionTimestamp: '2025-12-31T00:00:00Z',
        deletionGracePeriodSeconds: 0,
        finalizers: ['example.com/x'],
      }),
    ])
      .when(patch({ metadata: { finalizers: ['example.com/x', 'example.com/y'] } }))
      .thenRefused({
        code: 422,
        message: expect.stringContaining('no new finalizers can be added if the object is being deleted') as string,
      }));

  it('lets a write to status move nothing else', () => {
    const deployment = withMeta(aDeployment('a'), { generation: 1 });
    given(...base, [DEPLOYMENTS, deployment])
      .when({
        verb: 'patch',
        resource: DEPLOYMENTS,
        ...named,
        subresource: 'status',
        patch: { type: 'merge', body: { spec: { replicas: 9 }, status: { replicas: 2 } } },
      })
      .then(['Updated Deployment/a after 3'], { spec: { replicas: 2 }, status: { replicas: 2 }, metadata: { generation: 1 } });
  });
});

describe('deleting', () => {
  const remove = (options: WriteRequest['options'] = {}): Wish => ({ verb: 'delete', resource: DEPLOYMENTS, ...named, options });
  const deployment = (metadata: object = {}): readonly [GroupVersionResource, KubeObject] => [
    DEPLOYMENTS,
    withMeta(aDeployment('a'), { generation: 1, ...metadata }),
  ];

  it.each([
    ['nothing', {}, {}, undefined],
    ['Background', {}, { propagationPolicy: 'Background' }, undefined],
    ['Foreground', {}, { propagationPolicy: 'Foreground' }, ['foregroundDeletion']],
    ['Orphan', {}, { propagationPolicy: 'Orphan' }, ['orphan']],
    ['the old form', {}, { orphanDependents: true }, ['orphan']],
    ['another wish than an earlier request', { finalizers: ['foregroundDeletion'] }, { propagationPolicy: 'Orphan' }, ['orphan']],
    ['nothing, after an earlier request', { finalizers: ['foregroundDeletion'] }, {}, ['foregroundDeletion']],
    ['nothing, with a stranger’s finalizer', { finalizers: ['example.com/x'] }, {}, ['example.com/x']],
  ] as const)('with %s', (_what, metadata, options, finalizers) => {
    const { writes } = given(...base, deployment(metadata))
      .when(remove(options))
      .step();
    expect(writes.map(({ type, object }) => [type, object.metadata.finalizers])).toEqual([
      [finalizers ? 'Updated' : 'Deleted', finalizers],
    ]);
  });

  const job: KubeObject = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', namespace: 'default', uid: 'u' } };

  it('leaves the pods of a job unless told otherwise, and says so', () => {
    const { writes, warnings } = given(...base, [JOBS, job])
      .when({ ...remove(), resource: JOBS })
      .step();
    expect(writes.map(({ object }) => object.metadata.finalizers)).toEqual([['orphan']]);
    expect(warnings).toEqual([
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
    ]);
  });

  it('takes the pods of a job along where it is asked to', () => {
    const { writes, warnings } = given(...base, [JOBS, job])
      .when({ ...remove({ propagationPolicy: 'Background' }), resource: JOBS })
      .step();
    expect(writes.map(({ type }) => type)).toEqual(['Deleted']);
    expect(warnings).toEqual([]);
  });

  it('counts as a change of generation for those who wait', () =>
    given(...base, deployment({ finalizers: ['example.com/x'] }))
      .when(remove())
      .then(['Updated Deployment/a after 3'], { metadata: { generation: 2, deletionGracePeriodSeconds: 0 } }));

  it('says where contradicting options are wrong', () =>
    given(...base, deployment())
      .when(remove({ orphanDependents: true, propagationPolicy: 'Orphan' }))
      .thenRefused({ code: 422, details: { kind: 'DeleteOptions', causes: [{ field: 'propagationPolicy' }] } }));

  it('answers 404 where there is nothing', () =>
    given(...base)
      .when(remove())
      .thenRefused({ code: 404, message: 'deployments.apps "a" not found' }));
});

describe('binding', () => {
  const bind = (target: object, metadata: object = { name: 'a' }): Wish => ({
    resource: PODS,
    ...named,
    subresource: 'binding',
    object: { metadata, target },
  });
  const pods = (spec: object = {}, metadata: object = {}) => given(...base, [PODS, withMeta(aPod('a', spec), metadata)]);

  it.each([
    ['another name', bind({ name: 'n1' }, { name: 'b' }), {}, {}, 400, 'name in URL does not match name in Binding object'],
    ['no target', bind({}), {}, {}, 500, 'target.name: Required value'],
    [
      'a pod on its way out',
      bind({ name: 'n1' }),
      {},
      { deletionTimestamp: '2025-12-31T00:00:00Z' },
      409,
      'Operation cannot be fulfilled on pods/binding "a": pod a is being deleted, cannot be assigned to a host',
    ],
    [
      'a pod behind gates',
      bind({ name: 'n1' }),
      { schedulingGates: [{ name: 'g' }] },
      {},
      409,
      'Operation cannot be fulfilled on pods/binding "a": pod a has non-empty .spec.schedulingGates',
    ],
  ])('refuses %s', (_what, wish, spec, metadata, code, message) => pods(spec, metadata).when(wish).thenRefused({ code, message }));

  it('brings labels and annotations along', () => {
    const metadata = { name: 'a', annotations: { x: 'y' }, labels: { zone: 'z' } };
    const { writes } = pods()
      .when(bind({ name: 'n1' }, metadata))
      .step();
    expect(writes[0]?.object).toMatchObject({
      metadata: { annotations: { x: 'y' }, labels: { app: 'web', zone: 'z' } },
      spec: { nodeName: 'n1' },
    });
  });
});

describe('evicting', () => {
  const evict: Wish = { resource: PODS, ...named, subresource: 'eviction', object: { metadata: { name: 'a' } } };
  const running = (ready: boolean): KubeObject =>
    ({
      ...aPod('a', { nodeName: 'n1', terminationGracePeriodSeconds: 30 }),
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    }) as KubeObject;
  const budget = (name: string, status: object, generation = 1): readonly [GroupVersionResource, KubeObject] => [
    PODDISRUPTIONBUDGETS,
    { ...withMeta(aBudget(name), { generation }), status: { observedGeneration: 1, ...status } } as KubeObject,
  ];

  it('refuses where two budgets protect the pod', () =>
    given(...base, [PODS, running(true)], budget('one', {}), budget('two', {}))
      .when(evict)
      .thenRefused({
        code: 500,
        message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      }));

  it('asks to come again where the budget has not been looked at', () =>
    given(...base, [PODS, running(true)], budget('one', { disruptionsAllowed: 1 }, 2))
      .when(evict)
      .thenRefused({
        code: 429,
        details: {
          retryAfterSeconds: 10,
          causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget one is still being processed by the server.' }],
        },
      }));

  it('takes nothing from the budget for a pod that is not healthy anyway', () =>
    given(...base, [PODS, running(false)], budget('one', { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }))
      .when(evict)
      .then(['Updated Pod/a after 3'], { kind: 'Status', status: 'Success' }));

  it('deletes a pod that has ended', () =>
    given(...base, [PODS, { ...running(false), status: { phase: 'Failed' } } as KubeObject], budget('one', { disruptionsAllowed: 0 }))
      .when(evict)
      .then(['Deleted Pod/a after 3']));
});
