import { StatusError } from '#libs/apimachinery';
import { decode, strictDecodingError } from './decode.js';

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const POD = 'io.k8s.api.core.v1.Pod';
const CONFIGMAP = 'io.k8s.api.core.v1.ConfigMap';
const SERVICE = 'io.k8s.api.core.v1.Service';
const SECRET = 'io.k8s.api.core.v1.Secret';
const LEASE = 'io.k8s.api.coordination.v1.Lease';
const EVENT = 'io.k8s.api.events.v1.Event';

const read = (model: string, value: unknown): unknown => decode(model, value, { strict: true }).object;
const unknownIn = (model: string, value: unknown): readonly string[] => decode(model, value, { strict: true }).unknown;

function refusal(model: string, value: unknown): string {
  try {
    decode(model, value, { strict: true });
  } catch (error) {
    if (error instanceof StatusError) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'admitted';
}

const pod = (container: object): object => ({ metadata: { name: 'a' }, spec: { containers: [{ name: 'c', ...container }] } });
const podPart = (container: object): unknown => {
  const { spec } = read(POD, pod(container)) as { spec: { containers: unknown[] } };
  return spec.containers[0];
};

describe('decode writes what a round trip through the Go type leaves', () => {
  it.each([
    ['structs that are no pointers are always there', SERVICE, {}, { metadata: {}, spec: {}, status: { loadBalancer: {} } }],
    [
      'an empty deployment has its structs and nothing else',
      DEPLOYMENT,
      { spec: {} },
      { metadata: {}, spec: { template: { metadata: {}, spec: { containers: [] } }, strategy: {} }, status: {} },
    ],
    [
      'required numbers are written even when zero',
      'io.k8s.api.apps.v1.ReplicaSet',
      {},
      { metadata: {}, spec: { template: { metadata: {}, spec: { containers: [] } } }, status: { replicas: 0 } },
    ],
    ['null is the same as absent', CONFIGMAP, { metadata: { name: null, labels: null }, data: null }, { metadata: {} }],
    ['null in a map of strings is an empty string', CONFIGMAP, { data: { a: null } }, { metadata: {}, data: { a: '' } }],
    ['empty maps and lists that Go omits are gone', CONFIGMAP, { data: {}, metadata: { finalizers: [] } }, { metadata: {} }],
    ['unknown fields are gone', CONFIGMAP, { nonsense: 1 }, { metadata: {} }],
    [
      'times come out in UTC',
      LEASE,
      { spec: { renewTime: '2026-01-02T03:04:05.123456+01:00' } },
      { metadata: {}, spec: { renewTime: '2026-01-02T02:04:05.123456Z' } },
    ],
    [
      'a time that is a struct is null when nobody set it',
      EVENT,
      { eventTime: null },
      { metadata: {}, eventTime: null, regarding: {}, deprecatedSource: {}, deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null },
    ],
  ])('%s', (_title, model, value, wanted) => {
    expect(read(model, value)).toEqual(wanted);
  });

  it('writes members in the order of the type and maps in the order of their keys', () => {
    const object = read(CONFIGMAP, {
      data: { b: '1', a: '2' },
      metadata: { namespace: 'n', name: 'x' },
      kind: 'ConfigMap',
      apiVersion: 'v1',
    });
    expect(JSON.stringify(object)).toBe(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"n"},"data":{"a":"2","b":"1"}}',
    );
  });

  it('keeps pointers to zero and drops values that are zero', () => {
    expect(read(DEPLOYMENT, { spec: { replicas: 0, minReadySeconds: 0, paused: false } })).toMatchObject({ spec: { replicas: 0 } });
    expect(read(DEPLOYMENT, { spec: { replicas: 0, minReadySeconds: 0, paused: false } })).not.toHaveProperty('spec.minReadySeconds');
  });

  it('writes quantities canonically, from numbers too', () => {
    expect(podPart({ resources: { limits: { cpu: 0.5, memory: '1024Mi', 'ephemeral-storage': 1000 } } })).toMatchObject({
      resources: { limits: { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '1k' } },
    });
  });

  it('writes a container with its resources, empty or not', () => {
    expect(podPart({})).toEqual({ name: 'c', resources: {} });
  });

  it('keeps a key called __proto__ as data', () => {
    const value: unknown = JSON.parse('{"data":{"b":"1","__proto__":"2"}}');
    expect(JSON.stringify(read(CONFIGMAP, value))).toBe('{"metadata":{},"data":{"__proto__":"2","b":"1"}}');
  });

  it('changes nothing the second time', () => {
    const once = read(POD, pod({ resources: { limits: { cpu: '1500m', memory: '1.5Gi' } }, env: [{ name: 'a', value: '' }] }));
    expect(read(POD, once)).toEqual(once);
  });
});

describe('decode refuses a value of another type in the words of Go', () => {
  const frame = (kind: string, why: string): string => `BadRequest: ${kind} in version "v1" cannot be handled as a ${kind}: ${why}`;
  const cannot = (kind: string, why: string): string => frame(kind, `json: cannot unmarshal ${why}`);
  it.each([
    [
      DEPLOYMENT,
      { spec: { replicas: '3' } },
      cannot('Deployment', 'string into Go struct field DeploymentSpec.spec.replicas of type int32'),
    ],
    [
      DEPLOYMENT,
      { spec: { replicas: 1.5 } },
      cannot('Deployment', 'number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'),
    ],
    [
      DEPLOYMENT,
      { spec: { replicas: 2147483648 } },
      cannot('Deployment', 'number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32'),
    ],
    [
      CONFIGMAP,
      { metadata: { labels: { a: 1 } } },
      cannot('ConfigMap', 'number into Go struct field ObjectMeta.metadata.labels of type string'),
    ],
    [CONFIGMAP, { data: { a: true } }, cannot('ConfigMap', 'bool into Go struct field ConfigMap.data of type string')],
    [POD, { spec: [] }, cannot('Pod', 'array into Go struct field Pod.spec of type v1.PodSpec')],
    [POD, { spec: { containers: {} } }, cannot('Pod', 'object into Go struct field PodSpec.spec.containers of type []v1.Container')],
    [
      POD,
      pod({ env: [{ name: 'a', value: 1 }] }),
      cannot('Pod', 'number into Go struct field EnvVar.spec.containers.env.value of type string'),
    ],
    [
      POD,
      pod({ ports: [{ containerPort: 'x' }] }),
      cannot('Pod', 'string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32'),
    ],
    [
      SERVICE,
      { spec: { ports: [{ targetPort: true }] } },
      cannot('Service', 'bool into Go struct field ServicePort.spec.ports.targetPort of type int32'),
    ],
    [SECRET, { data: { a: 'not base64' } }, frame('Secret', 'illegal base64 data at input byte 3')],
    [
      POD,
      pod({ resources: { limits: { cpu: 'much' } } }),
      frame('Pod', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    ],
    [
      LEASE,
      { spec: { renewTime: '2026-01-02T03:04:05Z' } },
      frame('Lease', 'parsing time "2026-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'),
    ],
    [
      CONFIGMAP,
      { metadata: { creationTimestamp: 'yesterday' } },
      frame('ConfigMap', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
    ],
    [
      CONFIGMAP,
      { metadata: { creationTimestamp: '2026-02-30T00:00:00Z' } },
      frame('ConfigMap', 'parsing time "2026-02-30T00:00:00Z": day out of range'),
    ],
  ])('%s %j', (model, value, wanted) => {
    expect(refusal(model, value)).toBe(wanted);
  });

  it('names the first of several, in the order of the text', () => {
    expect(refusal(DEPLOYMENT, { status: 1, spec: 2 })).toContain('Deployment.status');
    expect(refusal(DEPLOYMENT, { spec: 2, status: 1 })).toContain('Deployment.spec');
  });
});

describe('unknown fields are told in the order of the text, with their places', () => {
  it('names the place with indices', () => {
    expect(
      unknownIn(DEPLOYMENT, { zeta: 1, spec: { foo: 1, template: { spec: { containers: [{ name: 'a' }, { bar: 2 }] } } }, alpha: 3 }),
    ).toEqual([
      'unknown field "zeta"',
      'unknown field "spec.foo"',
      'unknown field "spec.template.spec.containers[1].bar"',
      'unknown field "alpha"',
    ]);
  });

  it('is silent unless asked', () => {
    expect(decode(CONFIGMAP, { foo: 1 }, { strict: false }).unknown).toEqual([]);
  });

  it('becomes one sentence when refused', () => {
    expect(strictDecodingError(DEPLOYMENT, ['unknown field "spec.foo"', 'unknown field "spec.bar"']).message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", unknown field "spec.bar"',
    );
  });
});
