import fc from 'fast-check';
import { BUILT_IN, decode, DEFINITIONS, type ResourceDefinition } from '#libs/api';
import { StatusError, toStatus, validateObjectMeta, dnsSubdomainNames, type KubeObject } from '#libs/apimachinery';
import { decodeObject, ORIGIN } from '#libs/log';
import type { WriteRequest } from '#libs/registry';
import {
  aConfigMap,
  aDeployment,
  anyValue,
  aNamespace,
  aPod,
  aService,
  aServiceAccount,
  bodyFor,
  Dice,
  MemoryCluster,
  mutated,
  patchFor,
} from '#libs/testing';

/** Upstream answers this one with a 500 of its own, and clients know the sentence. */
const UPSTREAMS_OWN = 'resourceVersion should not be set on objects to be created';
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
const STEPS = 100;

const writable = DEFINITIONS.filter(({ verbs }) => verbs.includes('create') && verbs.includes('update'));
const POD_SPEC = { containers: [{ name: 'c', image: 'i' }] };
const TEMPLATE = { metadata: { labels: { a: 'b' } }, spec: POD_SPEC };
const SELECTOR = { matchLabels: { a: 'b' } };
/** Small valid objects: what is a step away from valid gets furthest. Kinds that are not served are left out. */
const SMALL: readonly (readonly [apiVersion: string, kind: string, members: object])[] = [
  ['v1', 'Secret', { data: { a: 'YQ==' }, type: 'Opaque' }],
  ['v1', 'LimitRange', { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } }],
  ['v1', 'ResourceQuota', { spec: { hard: { pods: '10' } } }],
  ['v1', 'Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['v1', 'Node', { spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] } }],
  ['v1', 'PersistentVolume', { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } } }],
  ['v1', 'PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
  ['v1', 'PodTemplate', { template: TEMPLATE }],
  ['v1', 'ReplicationController', { spec: { replicas: 1, selector: { a: 'b' }, template: TEMPLATE } }],
  ['v1', 'Event', { involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' }, reason: 'A', message: 'b', type: 'Normal' }],
  ['apps/v1', 'ReplicaSet', { spec: { replicas: 1, selector: SELECTOR, template: TEMPLATE } }],
  ['apps/v1', 'StatefulSet', { spec: { serviceName: 's', selector: SELECTOR, template: TEMPLATE } }],
  ['apps/v1', 'DaemonSet', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['apps/v1', 'ControllerRevision', { revision: 1, data: { a: { b: 1 } } }],
  ['batch/v1', 'Job', { spec: { template: { spec: { ...POD_SPEC, restartPolicy: 'Never' } } } }],
  [
    'batch/v1',
    'CronJob',
    { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { ...POD_SPEC, restartPolicy: 'Never' } } } } } },
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' } } },
  ],
  [
    'autoscaling/v1',
    'HorizontalPodAutoscaler',
    { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'a', apiVersion: 'apps/v1' } } },
  ],
  ['networking.k8s.io/v1', 'Ingress', { spec: { defaultBackend: { service: { name: 'a', port: { number: 80 } } } } }],
  ['networking.k8s.io/v1', 'IngressClass', { spec: { controller: 'example.com/a' } }],
  ['networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80 }] }] } }],
  ['policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector: SELECTOR } }],
  ['rbac.authorization.k8s.io/v1', 'Role', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  [
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' }, subjects: [{ kind: 'User', name: 'u' }] },
  ],
  ['scheduling.k8s.io/v1', 'PriorityClass', { value: 5 }],
  ['node.k8s.io/v1', 'RuntimeClass', { handler: 'h' }],
  ['storage.k8s.io/v1', 'StorageClass', { provisioner: 'example.com/a' }],
  ['storage.k8s.io/v1', 'CSIDriver', { spec: { attachRequired: false } }],
  ['storage.k8s.io/v1', 'VolumeAttachment', { spec: { attacher: 'example.com/a', nodeName: 'n', source: { persistentVolumeName: 'p' } } }],
  ['coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } }],
  ['discovery.k8s.io/v1', 'EndpointSlice', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] }],
  [
    'certificates.k8s.io/v1',
    'CertificateSigningRequest',
    { spec: { request: 'YQ==', signerName: 'example.com/a', usages: ['client auth'] } },
  ],
  ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', { spec: { validations: [{ expression: 'true' }] } }],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {}],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {
      metadata: { name: 'as.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'as', kind: 'A' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } },
          },
        ],
      },
    },
  ],
  ['flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', { spec: { priorityLevelConfiguration: { name: 'exempt' } } }],
  ['resource.k8s.io/v1', 'ResourceClaim', { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } }],
];
const MANIFESTS: readonly KubeObject[] = [
  aConfigMap('a', { key: 'value' }),
  aDeployment('a'),
  aPod('a'),
  aService('a'),
  aServiceAccount('a'),
  aNamespace('a'),
  ...SMALL.flatMap(([apiVersion, kind, members]) => {
    const definition = BUILT_IN.definitionByKind(apiVersion, kind);
    if (!definition) return [];
    const place = definition.scope === 'Namespaced' ? { namespace: 'default' } : {};
    return [{ apiVersion, kind, metadata: { name: 'a', ...place }, ...members } as KubeObject];
  }),
];

function definitionFor(object: KubeObject): ResourceDefinition {
  const found = BUILT_IN.definitionByKind(object.apiVersion, object.kind);
  if (!found) throw new Error(`no definition of ${object.kind}`);
  return found;
}

/** A request of any verb about a few objects, so that later ones meet what earlier ones have made. */
function requestOf(dice: Dice, stored: readonly KubeObject[]): WriteRequest {
  const manifest = dice.pick(MANIFESTS);
  const known = stored.length > 0 && dice.once(2) ? dice.pick(stored) : undefined;
  const generated = dice.once(4);
  const definition = known ? definitionFor(known) : generated ? dice.pick(writable) : definitionFor(manifest);
  const fresh = (): unknown =>
    dice.once(30) ? anyValue(dice) : generated ? bodyFor(dice, definition, 200) : dice.once(3) ? manifest : mutated(dice, manifest, 2);
  const subresources = definition.subresources.filter(({ verbs }) => verbs.includes('update')).map(({ name }) => name);
  const subresource = known && subresources.length > 0 && dice.once(4) ? dice.pick(subresources) : undefined;
  const base = {
    definition,
    ...(definition.scope === 'Namespaced' ? { namespace: known?.metadata.namespace ?? 'default' } : {}),
    options: {
      ...(dice.once(5) ? { dryRun: true } : {}),
      ...(dice.once(3) ? { force: true } : {}),
      fieldValidation: dice.pick(['Strict', 'Warn', 'Ignore'] as const),
    },
    requester: { actor: { user: 'fuzz' }, fieldManager: dice.pick(['one', 'two', 'kubectl']) },
  };
  const name = known?.metadata.name ?? dice.pick(['a', 'b', 'c', 'd']);
  const named = { ...base, name, ...(subresource === undefined ? {} : { subresource }) };
  switch (dice.below(known ? 6 : 2)) {
    case 0:
      return { ...base, verb: 'create', object: fresh() };
    case 1:
      return { ...named, verb: 'patch', patch: patchFor(dice, known ?? { ...manifest, metadata: { ...manifest.metadata, name } }) };
    case 2:
      return { ...named, verb: 'update', object: known ? mutated(dice, known) : fresh() };
    case 3:
    case 4:
      return { ...named, verb: 'patch', patch: patchFor(dice, known ?? manifest) };
  }
  const { subresource: _none, ...main } = named as WriteRequest;
  return {
    ...main,
    verb: 'delete',
    options: { ...base.options, propagationPolicy: dice.pick(['Foreground', 'Background', 'Orphan'] as const) },
  };
}

/** What a stored object has against its own kind's rules: nothing, or a write has got through that must not. */
function problemsOf(definition: ResourceDefinition, object: KubeObject): readonly unknown[] {
  const { object: decoded, unknown } = decode(definition.model, object, { strict: true });
  const rules = { namespaced: definition.scope === 'Namespaced', nameRule: definition.names ?? dnsSubdomainNames };
  const same = JSON.stringify(sorted(decoded)) === JSON.stringify(sorted(object)) ? [] : ['is not what decoding it gives'];
  // An update may bring any generateName: nothing is generated from it any more, and upstream does not look at it.
  const metadata = validateObjectMeta(object.metadata, rules).filter(({ field }) => field !== 'metadata.generateName');
  // Upstream does not look at the stored versions in the status of a definition when the status is written.
  const rest = definition.strategy.validate(object).filter(({ field = '' }) => !field.startsWith('status.storedVersions'));
  return [...unknown, ...same, ...metadata, ...rest];
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)] as const),
  );
};

describe('the write path, whatever it is sent', () => {
  test('refuses or stores, never fails, and what it stored obeys the rules of its kind', async () => {
    let stored = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const dice = new Dice(seed);
        const cluster = await MemoryCluster.start();
        try {
          await cluster.create({ group: '', version: 'v1', resource: 'namespaces' }, aNamespace('default'));
          await cluster.create({ group: '', version: 'v1', resource: 'serviceaccounts' }, aServiceAccount('default'));
          const known = new Map<string, KubeObject>();
          for (let step = 0; step < STEPS; step += 1) {
            const request = requestOf(dice, [...known.values()]);
            const { definition } = request;
            try {
              const { object, sequence } = await cluster.writePath.execute(request);
              const key = `${definition.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
              if (request.verb === 'delete') known.delete(key);
              else if (sequence !== undefined && object.kind === definition.kind) known.set(key, object);
            } catch (thrown) {
              const told = thrown instanceof StatusError ? toStatus(thrown) : undefined;
              if (!told || (told.code >= 500 && told.message !== UPSTREAMS_OWN)) {
                throw new Error(`step ${step}: ${JSON.stringify({ ...request, definition: definition.kind })}`, { cause: thrown });
              }
            }
          }
          await cluster.settled();
          for await (const { events } of cluster.log.read('state', ORIGIN.state, {
            subjects: ['decklog.test.state.>'],
            until: await cluster.log.last('state'),
          })) {
            for (const { body, sequence } of events) {
              const object = decodeObject(body, sequence);
              stored += 1;
              const { resourceVersion: _version, ...metadata } = object.metadata;
              const problems = problemsOf(definitionFor(object), { ...object, metadata });
              if (problems.length > 0) throw new Error(`${JSON.stringify(object)} was stored: ${JSON.stringify(problems)}`);
            }
          }
        } finally {
          await cluster.stop();
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    // The rules are of no use if nothing gets past them.
    expect(stored).toBeGreaterThan(RUNS * 5);
  }, 120_000);

  /** What makes a pattern try again and again, at a length at which squares are seconds. */
  const LENGTH = 50_000;
  const REPEATED = [
    '1',
    'a',
    'A',
    '-',
    '.',
    'a.',
    'a-',
    '/',
    ':',
    '0:',
    '%',
    '=',
    ',',
    '*',
    ' ',
    '$(a)',
    '\n',
    '\\',
    '"',
    '{',
    '1.',
    'aA1_',
  ];
  const longTexts = REPEATED.map((part) => part.repeat(LENGTH / part.length) + '!');

  test('takes no longer than the length of a text, wherever it is', async () => {
    const cluster = await MemoryCluster.start();
    try {
      await cluster.create({ group: '', version: 'v1', resource: 'namespaces' }, aNamespace('default'));
      await cluster.create({ group: '', version: 'v1', resource: 'serviceaccounts' }, aServiceAccount('default'));
      const slow: string[] = [];
      for (const manifest of MANIFESTS) {
        const definition = definitionFor(manifest);
        const request = {
          definition,
          ...(definition.scope === 'Namespaced' ? { namespace: 'default' } : {}),
          options: { dryRun: true },
          requester: { actor: { user: 'fuzz' } },
        };
        const withMetadata = {
          ...manifest,
          metadata: { ...manifest.metadata, labels: { a: 'b' }, annotations: { a: 'b' }, finalizers: ['a/b'] },
        };
        for (const path of textsOf(withMetadata)) {
          for (const text of longTexts) {
            const started = performance.now();
            const object = replaced(withMetadata, path, text);
            await cluster.writePath.execute({ ...request, verb: 'create', object }).catch((thrown: unknown) => {
              if (!(thrown instanceof StatusError)) throw thrown;
            });
            const took = performance.now() - started;
            if (took > 500) slow.push(`${manifest.kind} ${path.join('.')} ${text.slice(0, 8)}: ${took.toFixed(0)} ms`);
          }
        }
      }
      expect(slow).toEqual([]);
    } finally {
      await cluster.stop();
    }
  }, 120_000);
});

/** Where an object has texts; keys of maps are texts, too, and are marked by a last `*`. */
function textsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  const members = Object.entries(value);
  const first = members[0];
  const key = !Array.isArray(value) && path.length > 1 && first !== undefined && typeof first[1] === 'string' ? [[...path, '*']] : [];
  return [...key, ...members.flatMap(([name, member]) => textsOf(member, [...path, name]))];
}

function replaced(value: unknown, [at, ...rest]: readonly string[], text: string): unknown {
  if (at === undefined) return text;
  if (at === '*') return { ...(value as object), [text]: 'x' };
  if (Array.isArray(value)) return value.map((item: unknown, index) => (String(index) === at ? replaced(item, rest, text) : item));
  const map = value as Readonly<Record<string, unknown>>;
  return { ...map, [at]: replaced(map[at], rest, text) };
}
