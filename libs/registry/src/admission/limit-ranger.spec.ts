import { PERSISTENTVOLUMECLAIMS, PODS, type Pod } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, aPod, aServiceAccount, decidedIn, refusedIn } from '#libs/testing';

const range = (...limits: readonly object[]): KubeObject =>
  ({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'range', namespace: 'default' }, spec: { limits } }) as KubeObject;
const world = (...limits: readonly object[]): readonly KubeObject[] => [
  aNamespace('default'),
  aServiceAccount('default'),
  range(...limits),
];
const pod = (resources: object = {}, more: object = {}): KubeObject =>
  aPod('a', { containers: [{ name: 'main', image: 'echo:1.0', resources }], ...more });
const claim = (storage: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  }) as KubeObject;

const DEFAULTS = { type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m', memory: '64Mi' } };

describe('a pod in a namespace with a limit range', () => {
  it('is given what its containers leave out, and told so', () => {
    const init = [{ name: 'first', image: 'echo:1.0', resources: { requests: { cpu: '1m' }, limits: { cpu: '2m' } } }];
    const { answer } = decidedIn(world(DEFAULTS), { resource: PODS, object: pod({ limits: { memory: '1Gi' } }, { initContainers: init }) });
    const { metadata, spec } = answer as Pod;
    expect(spec?.containers[0]?.resources).toEqual({ limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } });
    expect(spec?.initContainers?.[0]?.resources).toEqual({ limits: { cpu: '2m' }, requests: { cpu: '1m', memory: '64Mi' } });
    expect(metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu request for container main; cpu limit for container main; memory request for init container first',
    });
  });

  it('is left alone where it says everything itself', () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } };
    const { answer } = decidedIn(world(DEFAULTS), { resource: PODS, object: pod(resources) });
    expect(answer.metadata.annotations).toBeUndefined();
  });

  const ratio = 'cpu max limit to request ratio per Container is 2';
  it.each([
    [{ type: 'Pod', min: { cpu: '50m' } }, {}, 'minimum cpu usage per Pod is 50m.  No request is specified'],
    [
      { type: 'Container', min: { cpu: '50m' } },
      { requests: { cpu: '10m' } },
      'minimum cpu usage per Container is 50m, but request is 10m',
    ],
    [{ type: 'Pod', max: { cpu: '1' } }, { requests: { cpu: '100m' } }, 'maximum cpu usage per Pod is 1.  No limit is specified'],
    [{ type: 'Container', max: { cpu: '1' } }, { limits: { cpu: '2' } }, 'maximum cpu usage per Container is 1, but limit is 2'],
    [{ type: 'Pod', max: { memory: '1Gi' } }, { limits: { memory: '2Gi' } }, 'maximum memory usage per Pod is 1Gi, but limit is 2Gi'],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '100m' }, limits: { cpu: '300m' } },
      `${ratio}, but provided ratio is 3.000000`,
    ],
    [{ type: 'Container', maxLimitRequestRatio: { cpu: '2' } }, {}, `${ratio}, but no request is specified or request is 0`],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '1' } },
      `${ratio}, but no limit is specified or limit is 0`,
    ],
    [
      { type: 'Pod', min: { cpu: '50m', memory: '1Mi' } },
      {},
      '[minimum cpu usage per Pod is 50m.  No request is specified, minimum memory usage per Pod is 1Mi.  No request is specified]',
    ],
  ])('is refused by %j with %j', (limit, resources, why) => {
    expect(refusedIn(world(limit), { resource: PODS, object: pod(resources) })).toMatchObject({
      code: 403,
      message: `pods "a" is forbidden: ${why}`,
    });
  });

  it('may be updated whatever the range says', () => {
    const old = { ...pod(), metadata: { ...pod().metadata, labels: { app: 'old' } } };
    const objects = [...world({ type: 'Container', min: { cpu: '50m' } }), old];
    const patch = { type: 'merge', body: { metadata: { labels: { app: 'new' } } } } as const;
    const { answer } = decidedIn(objects, { resource: PODS, verb: 'patch', namespace: 'default', name: 'a', patch });
    expect(answer.metadata.labels).toEqual({ app: 'new' });
  });
});

describe('a claim in a namespace with a limit range', () => {
  it.each([
    ['1Gi', 'minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi'],
    ['6Gi', 'maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi'],
  ])('is refused with %s', (storage, why) => {
    const objects = world({ type: 'PersistentVolumeClaim', min: { storage: '2Gi' }, max: { storage: '5Gi' } });
    expect(refusedIn(objects, { resource: PERSISTENTVOLUMECLAIMS, object: claim(storage) })).toMatchObject({
      message: `persistentvolumeclaims "c" is forbidden: ${why}`,
    });
    expect(decidedIn(objects, { resource: PERSISTENTVOLUMECLAIMS, object: claim('3Gi') }).writes).toHaveLength(1);
  });
});
