import {
  CRONJOBS,
  DAEMONSETS,
  DEFINITIONS,
  DEPLOYMENTS,
  definitionOf,
  EVENTS,
  EVENTS_V1,
  HORIZONTALPODAUTOSCALERS,
  HORIZONTALPODAUTOSCALERS_V1,
  JOBS,
  PODS,
  STATEFULSETS,
  type ResourceDefinition,
} from '#libs/api';
import { apiGroup, apiGroupDiscoveryList, apiGroupList, apiResourceList, apiVersions, storageVersionHash } from './discovery.js';

const defined = (found: ResourceDefinition | undefined): ResourceDefinition => {
  if (!found) throw new Error('not defined');
  return found;
};

describe('discovery', () => {
  it('says where the core group is served', () => {
    expect(apiVersions('10.64.0.1:6443')).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.64.0.1:6443' }],
    });
  });

  it('lists groups in the order of upstream, without the core group and without what is only stored', () => {
    const names = apiGroupList(DEFINITIONS).groups.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io']);
    expect(names).not.toContain('');
    expect(names).not.toContain('allocation.decklog.dev');
  });

  it('describes one group', () => {
    const version = { groupVersion: 'apps/v1', version: 'v1' };
    expect(apiGroup('apps', DEFINITIONS)).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'apps',
      versions: [version],
      preferredVersion: version,
    });
    expect(apiGroup('nothing.here', DEFINITIONS)).toBeUndefined();
  });

  it.each([
    ['pods', PODS, 'xPOwRZ+Yhw8='],
    ['deployments', DEPLOYMENTS, '8aSe+NMegvE='],
    ['jobs', JOBS, 'mudhfqk/qZY='],
    ['statefulsets', STATEFULSETS, 'H+vl74LkKdo='],
    ['daemonsets', DAEMONSETS, 'dd7pWHUlMKQ='],
    ['cronjobs', CRONJOBS, 'sd5LIXh4Fjs='],
    ['autoscalers', HORIZONTALPODAUTOSCALERS, 'qwQve8ut294='],
    ['autoscalers of autoscaling/v1, which are stored as those of v2', HORIZONTALPODAUTOSCALERS_V1, 'qwQve8ut294='],
    ['events', EVENTS, 'r2yiGXH7wu8='],
    ['events of events.k8s.io, which are stored as those of the core group', EVENTS_V1, 'r2yiGXH7wu8='],
  ])('gives %s the hash that upstream gives', (_title, resource, hash) => {
    expect(storageVersionHash(defined(definitionOf(resource)))).toBe(hash);
  });

  it('prefers autoscaling/v2 to v1', () => {
    expect(apiGroup('autoscaling', DEFINITIONS)).toMatchObject({
      versions: [{ groupVersion: 'autoscaling/v2' }, { groupVersion: 'autoscaling/v1' }],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
  });

  it('lists resources by name, each with its subresources', () => {
    const list = apiResourceList({ group: 'apps', version: 'v1' }, DEFINITIONS);
    expect(list?.resources.map(({ name }) => name)).toEqual([
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
      'replicasets',
      'replicasets/scale',
      'replicasets/status',
      'statefulsets',
      'statefulsets/scale',
      'statefulsets/status',
    ]);
    expect(list?.resources[4]).toEqual({
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
    });
    expect(apiResourceList({ group: 'apps', version: 'v2' }, DEFINITIONS)).toBeUndefined();
  });

  it('says all of it in one answer for those who ask so', () => {
    const { items } = apiGroupDiscoveryList('/api', DEFINITIONS);
    expect(items).toHaveLength(1);
    const pods = items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'pods');
    expect(pods).toMatchObject({
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      shortNames: ['po'],
    });
    expect(pods?.subresources).toContainEqual({
      subresource: 'eviction',
      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    expect(apiGroupDiscoveryList('/apis', DEFINITIONS).items.map(({ metadata }) => metadata.name)).toEqual(
      apiGroupList(DEFINITIONS).groups.map(({ name }) => name),
    );
  });

  describe('of what another server answers for', () => {
    const flunders = { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'] };
    const status = { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] };
    const other = (version: string, current = true) => ({
      group: 'wardle.example.com',
      version,
      priority: { group: 17_790, version: version === 'v1' ? 5 : 20 },
      resources: [flunders, status],
      current,
    });

    it('takes the place that its APIService gives it', () => {
      const { groups } = apiGroupList(DEFINITIONS, [other('v1'), other('v1beta1')]);
      expect(groups.slice(1, 4).map(({ name }) => name)).toEqual(['apps', 'wardle.example.com', 'events.k8s.io']);
      expect(apiGroup('wardle.example.com', DEFINITIONS, [other('v1'), other('v1beta1')])?.preferredVersion.version).toBe('v1beta1');
    });

    it('is told in the aggregated form, subresources within', () => {
      const group = (current: boolean) =>
        apiGroupDiscoveryList('/apis', DEFINITIONS, [other('v1', current)]).items.find(
          ({ metadata }) => metadata.name === 'wardle.example.com',
        );
      const responseKind = { group: 'wardle.example.com', version: 'v1', kind: 'Flunder' };
      expect(group(true)?.versions).toMatchObject([
        {
          freshness: 'Current',
          resources: [{ resource: 'flunders', responseKind, scope: 'Namespaced', subresources: [{ subresource: 'status' }] }],
        },
      ]);
      expect(group(false)?.versions).toMatchObject([{ freshness: 'Stale' }]);
    });
  });
});
