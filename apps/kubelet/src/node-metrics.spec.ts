import { SANDBOX, type ObservedContainer } from '#libs/node';
import { MetricsRegistry } from '#libs/process';
import { countsOf, showNode } from './node-metrics.js';

const container = (podUid: string, name: string, state: ObservedContainer['state']): ObservedContainer => ({
  id: `${podUid}-${name}`,
  podUid,
  podNamespace: 'default',
  podName: podUid,
  name,
  attempt: 0,
  state,
  createdAt: 0,
  image: 'i',
  imageId: 'i',
});
const ALL = new Map([
  ['a', [container('a', SANDBOX, 'running'), container('a', 'web', 'running'), container('a', 'job', 'exited')]],
  ['b', [container('b', SANDBOX, 'exited'), container('b', 'web', 'exited')]],
]);
const sources = { node: 'n', pods: () => [], podUids: () => [...ALL.keys()], containersOf: (uid: string) => ALL.get(uid) ?? [] };

describe('the metrics of a node', () => {
  it('count the pods whose sandbox runs, and containers by their state, sandboxes left out', () => {
    expect(countsOf(sources)).toEqual({ pods: 1, containers: { created: 0, running: 1, exited: 2 } });
  });

  it('are shown for as long as the node runs', () => {
    const registry = new MetricsRegistry();
    const end = showNode(registry, sources);
    const shown = (): readonly string[] => registry.families().flatMap(({ name, series }) => series.map(({ value }) => `${name} ${value}`));
    expect(shown()).toEqual([
      'kubelet_node_name 1',
      'kubelet_running_pods 1',
      'kubelet_running_containers 0',
      'kubelet_running_containers 1',
      'kubelet_running_containers 2',
      'kubelet_desired_pods 0',
    ]);
    end();
    expect(shown()).toEqual([]);
  });
});
