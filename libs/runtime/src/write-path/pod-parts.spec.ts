import { NAMESPACES, PODS, SERVICEACCOUNTS, type Pod } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, aServiceAccount, MemoryCluster, refusalOf, type Wish } from '#libs/testing';

let cluster: MemoryCluster;
beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
  await cluster.create(SERVICEACCOUNTS, aServiceAccount('default'));
});
afterEach(() => cluster.stop());

const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };
const made = (more: object = {}): Promise<unknown> =>
  cluster.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i:1', resources }], ...more },
  } as KubeObject);
const place = { namespace: 'default', name: 'a' };
const patch = async (subresource: string, body: object): Promise<Pod> =>
  (await cluster.write('patch', PODS, { ...place, subresource, patch: { type: 'strategic', body } })).object as Pod;
const update = (subresource: string, change: (old: Pod) => object): Promise<unknown> =>
  cluster.update(PODS, { ...place, subresource } as Wish, (old) => change(old as Pod));

describe('ephemeral containers', () => {
  const debug = { name: 'debug', image: 'busybox:1', command: ['sh'], targetContainerName: 'c' };

  it('are added to a pod, and nothing else moves', async () => {
    await made();
    const { spec, metadata } = await patch('ephemeralcontainers', {
      spec: { ephemeralContainers: [debug], containers: [{ name: 'c', image: 'other' }] },
    });
    expect(spec?.ephemeralContainers).toMatchObject([{ ...debug, imagePullPolicy: 'IfNotPresent', terminationMessagePolicy: 'File' }]);
    expect(spec?.containers[0]?.image).toBe('i:1');
    expect(metadata.generation).toBe(2);
  });

  it('neither change nor go', async () => {
    await made();
    await patch('ephemeralcontainers', { spec: { ephemeralContainers: [debug] } });
    const changed = patch('ephemeralcontainers', { spec: { ephemeralContainers: [{ ...debug, image: 'other' }] } });
    expect((await refusalOf(changed)).message).toContain('existing ephemeral containers "debug" may not be changed');
    const gone = update('ephemeralcontainers', (old) => ({ ...old, spec: { ...old.spec, ephemeralContainers: [] } }));
    expect((await refusalOf(gone)).message).toContain('existing ephemeral containers "debug" may not be removed');
  });

  it.each<[string, object, string]>([
    ['a name that is taken', { ...debug, name: 'c' }, 'spec.ephemeralContainers[0].name: Duplicate value: "c"'],
    [
      'a target that is not there',
      { ...debug, targetContainerName: 'x' },
      'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
    ],
    [
      'ports',
      { ...debug, ports: [{ containerPort: 80 }] },
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
    ],
  ])('are refused with %s', async (_, container, problem) => {
    await made();
    expect((await refusalOf(patch('ephemeralcontainers', { spec: { ephemeralContainers: [container] } }))).message).toContain(problem);
  });
});

describe('a resize', () => {
  const to = (requests: object, limits: object = resources.limits) => ({
    spec: { containers: [{ name: 'c', image: 'other', resources: { requests, limits } }] },
  });

  it('changes cpu and memory of containers, and nothing else', async () => {
    await made();
    const { spec, metadata } = await patch('resize', to({ cpu: '150m', memory: '64Mi' }));
    expect(spec?.containers[0]).toMatchObject({ image: 'i:1', resources: { requests: { cpu: '150m', memory: '64Mi' } } });
    expect(metadata.generation).toBe(2);
  });

  it.each<[string, object, string]>([
    ['another class', to({ cpu: '200m', memory: '128Mi' }), 'Pod QOS Class may not change as a result of resizing'],
    ['another resource', to({ ...resources.requests, 'ephemeral-storage': '1Gi' }), 'only cpu and memory resources are mutable'],
    ['more than the limit', to({ cpu: '300m', memory: '64Mi' }), 'must be less than or equal to cpu limit'],
  ])('is refused with %s', async (_, body, problem) => {
    await made();
    expect((await refusalOf(patch('resize', body))).message).toContain(problem);
  });

  it('takes nothing away', async () => {
    await made();
    const without = update('resize', (old) => ({
      ...old,
      spec: {
        ...old.spec,
        containers: [{ ...old.spec?.containers[0], resources: { requests: { memory: '64Mi' }, limits: { memory: '128Mi' } } }],
      },
    }));
    const { details } = await refusalOf(without);
    expect(details?.causes?.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`)).toEqual([
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    ]);
  });

  it('is for pods whose node says what they have', async () => {
    await made();
    const status = { containerStatuses: [{ name: 'c', image: 'i', imageID: 'i', ready: true, restartCount: 0, state: { running: {} } }] };
    await patch('status', { status });
    expect((await refusalOf(patch('resize', to({ cpu: '150m', memory: '64Mi' })))).message).toContain(
      'Pod running on node without support for resize',
    );
  });

  it('is the only way to change resources', async () => {
    await made();
    const change = cluster.write('patch', PODS, { ...place, patch: { type: 'strategic', body: to({ cpu: '150m', memory: '64Mi' }) } });
    expect((await refusalOf(change)).message).toContain('pod updates may not change fields other than');
  });
});
