import fc from 'fast-check';
import { decode, type Container, type Pod, type Volume } from '../../index.js';
import { defaultPullPolicy } from './container-defaults.js';
import { withMatchLabelKeys } from './match-label-keys.js';
import { podDefaults } from './pod-defaults.js';
import { podRequests, qosClassOf } from './pod-resources.js';

const pod = (spec: object): Pod =>
  decode<Pod>('io.k8s.api.core.v1.Pod', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec }, { strict: true }).object;
const defaulted = (spec: object): Pod => podDefaults(pod(spec));
const firstContainer = (container: object): Container | undefined =>
  defaulted({ containers: [{ name: 'c', image: 'i', ...container }] }).spec?.containers[0];
const firstVolume = (volume: object): Volume | undefined =>
  defaulted({ containers: [], volumes: [{ name: 'v', ...volume }] }).spec?.volumes?.[0];

describe('the pull policy of an image', () => {
  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    [`nginx@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
    [`nginx:latest@sha256:${'a'.repeat(64)}`, 'Always'],
    ['Nginx', 'IfNotPresent'],
    ['', 'IfNotPresent'],
    ['a'.repeat(5000), 'IfNotPresent'],
  ])('is, of %s, %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });
});

describe('defaults of containers', () => {
  it.each([
    [
      'probes',
      { livenessProbe: { httpGet: { port: 80 } } },
      {
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
    ],
    [
      'gRPC probes',
      { startupProbe: { grpc: { port: 1 }, periodSeconds: 5 } },
      { startupProbe: { grpc: { port: 1, service: '' }, periodSeconds: 5 } },
    ],
    [
      'ports',
      { ports: [{ containerPort: 1 }, { containerPort: 2, protocol: 'UDP' }] },
      { ports: [{ protocol: 'TCP' }, { protocol: 'UDP' }] },
    ],
    [
      'fields of the pod',
      { env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
      { env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }] },
    ],
    ['hooks', { lifecycle: { preStop: { httpGet: { port: 1 } } } }, { lifecycle: { preStop: { httpGet: { path: '/', scheme: 'HTTP' } } } }],
    [
      'requests, from limits',
      { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } },
      { resources: { requests: { cpu: '500m', memory: '1Gi' } } },
    ],
    [
      'amounts finer than a thousandth, rounded up',
      { resources: { requests: { cpu: '100u' } } },
      { resources: { requests: { cpu: '1m' } } },
    ],
  ])('fill %s', (_what, container, expected) => {
    expect(firstContainer(container)).toMatchObject(expected);
  });

  it('make the host port the container port on the host network', () => {
    const { spec } = defaulted({ hostNetwork: true, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] });
    expect(spec?.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  });
});

describe('defaults of volumes', () => {
  it.each([
    ['no source', {}, { emptyDir: {} }],
    ['a config map', { configMap: { name: 'a' } }, { configMap: { name: 'a', defaultMode: 420 } }],
    ['a secret', { secret: { secretName: 'a', defaultMode: 256 } }, { secret: { secretName: 'a', defaultMode: 256 } }],
    ['a path of the host', { hostPath: { path: '/x' } }, { hostPath: { path: '/x', type: '' } }],
    [
      'projections',
      {
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { downwardAPI: { items: [{ path: 'p', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
      {
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { path: 't', expirationSeconds: 3600 } },
            { downwardAPI: { items: [{ path: 'p', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
    ],
    ['an image', { image: { reference: 'a:1' } }, { image: { reference: 'a:1', pullPolicy: 'IfNotPresent' } }],
  ])('fill, for %s', (_what, volume, expected) => {
    expect(firstVolume(volume)).toEqual({ name: 'v', ...expected });
  });
});

it('keeps the old and the new name of the service account the same', () => {
  expect(defaulted({ containers: [], serviceAccount: 'a' }).spec).toMatchObject({ serviceAccount: 'a', serviceAccountName: 'a' });
});

describe('resources of a pod', () => {
  const limits = { cpu: '1', memory: '1Gi' };
  const run = (resources: object): object => ({ name: 'c', image: 'i', resources });

  it.each([
    ['BestEffort', [run({})]],
    ['Burstable', [run({ requests: { cpu: '1' } })]],
    ['Burstable', [run({ limits: { cpu: '1' } })]],
    ['Guaranteed', [run({ limits })]],
    ['Burstable', [run({ limits }), run({})]],
    ['BestEffort', [run({ limits: { 'example.com/gpu': '1' } })]],
  ])('are of class %s', (qos, containers) => {
    expect(qosClassOf(defaulted({ containers }).spec ?? { containers: [] })).toBe(qos);
  });

  it('are the sum of containers, or the height of initialization beside the sidecars, plus overhead', () => {
    const requests = (cpu: string, memory: string): object => ({ requests: { cpu, memory } });
    const spec = {
      containers: [
        { name: 'a', image: 'i', resources: requests('100m', '1Gi') },
        { name: 'b', image: 'i', resources: requests('200m', '1Gi') },
      ],
      initContainers: [
        { name: 'sidecar', image: 'i', restartPolicy: 'Always', resources: requests('50m', '1Gi') },
        { name: 'init', image: 'i', resources: requests('2', '1Mi') },
      ],
      overhead: { cpu: '10m' },
    };
    expect(podRequests(defaulted(spec))).toEqual({ cpu: '2060m', memory: '3Gi' });
  });
});

const quantity = fc.constantFrom('0', '1', '500m', '100u', '1Gi', '1n', '2M');
const list = fc.dictionary(fc.constantFrom('cpu', 'memory', 'hugepages-2Mi'), quantity);
const anyContainer = fc.record(
  {
    name: fc.constantFrom('a', 'b'),
    image: fc.constantFrom('i', 'i:1', ''),
    resources: fc.record({ limits: list, requests: list }, { requiredKeys: [] }),
    ports: fc.array(fc.record({ containerPort: fc.nat(9) })),
    livenessProbe: fc.record({ httpGet: fc.record({ port: fc.nat(9) }), periodSeconds: fc.nat(2) }, { requiredKeys: [] }),
    env: fc.array(fc.record({ name: fc.constant('E'), valueFrom: fc.constant({ fieldRef: { fieldPath: 'metadata.name' } }) })),
  },
  { requiredKeys: ['name'] },
);
const anyVolume = fc.constantFrom(
  { name: 'v' },
  { name: 'v', configMap: { name: 'a' } },
  { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
  { name: 'v', rbd: { monitors: [], image: 'x' } },
  { name: 'v', ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1n' } } } } } },
);
const anySpec = fc.record(
  {
    containers: fc.array(anyContainer, { maxLength: 3 }),
    initContainers: fc.array(anyContainer, { maxLength: 2 }),
    volumes: fc.array(anyVolume, { maxLength: 3 }),
    hostNetwork: fc.boolean(),
    serviceAccount: fc.constant('s'),
    overhead: list,
    resources: fc.record({ limits: list, requests: list }, { requiredKeys: [] }),
  },
  { requiredKeys: ['containers'] },
);

it('defaults any pod once and for all, without touching what it was given', () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const sent = pod(spec);
      const before = JSON.stringify(sent);
      const once = podDefaults(sent);
      expect(JSON.stringify(sent)).toBe(before);
      expect(podDefaults(once)).toBe(once);
    }),
  );
});

it('narrows a new pod’s affinity to its own labels where keys are named', () => {
  const antiAffinity = (labelSelector: object): object => ({
    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', matchLabelKeys: ['hash', 'absent'], labelSelector }],
  });
  const sent: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { hash: 'x' } },
    spec: { containers: [], affinity: { podAntiAffinity: antiAffinity({ matchLabels: { app: 'a' } }) } },
  };
  const narrowed = { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'hash', operator: 'In', values: ['x'] }] };
  expect(withMatchLabelKeys(sent).spec?.affinity).toEqual({ podAntiAffinity: antiAffinity(narrowed) });
});
