import type { Pod } from '#libs/api';
import { SANDBOX, runningSandbox, type ObservedContainer } from '#libs/node';
import type { Asked, Metrics } from '#libs/runtime';

/** What a node's metrics are read from when somebody looks. */
export interface NodeSources {
  readonly node: string;
  pods(): readonly Pod[];
  podUids(): readonly string[];
  containersOf(podUid: string): readonly ObservedContainer[];
}

/** How many pods run, and how many containers are in which state. */
export function countsOf({ podUids, containersOf }: Pick<NodeSources, 'podUids' | 'containersOf'>): {
  readonly pods: number;
  readonly containers: Readonly<Record<ObservedContainer['state'], number>>;
} {
  const containers = { created: 0, running: 0, exited: 0 };
  let pods = 0;
  for (const uid of podUids()) {
    const all = containersOf(uid);
    if (runningSandbox(all)) pods += 1;
    for (const { name, state } of all) if (name !== SANDBOX) containers[state] += 1;
  }
  return { pods, containers };
}

/** Has a node shown under the names of upstream's kubelet; returns how to end that. */
export function showNode(metrics: Metrics, sources: NodeSources): () => void {
  const ask = (name: string, help: string, labels: readonly string[], values: () => readonly Asked[]): (() => void) =>
    metrics.ask({ name, help, labels, type: 'gauge' }, values);
  const ends = [
    ask('kubelet_node_name', "The node's name. The count is always 1.", ['node'], () => [{ labels: [sources.node], value: 1 }]),
    ask('kubelet_running_pods', 'Number of pods that have a running pod sandbox', [], () => [
      { labels: [], value: countsOf(sources).pods },
    ]),
    ask('kubelet_running_containers', 'Number of containers currently running', ['container_state'], () =>
      Object.entries(countsOf(sources).containers).map(([state, value]) => ({ labels: [state], value })),
    ),
    ask('kubelet_desired_pods', 'The number of pods the kubelet is being instructed to run.', ['static'], () => [
      { labels: [''], value: sources.pods().length },
    ]),
  ];
  return () => ends.forEach((end) => end());
}
