import type { Count, Metrics, StateView } from '#libs/runtime';
import type { GroupVersionResource } from '#libs/apimachinery';

/** How many events of a resource watches were sent, under upstream's name. What it gives is kept for as long as a watch lasts. */
export const watchEvents = (metrics: Metrics, { group, version, resource }: GroupVersionResource): Count =>
  metrics
    .counter({
      name: 'apiserver_watch_events_total',
      help: 'Number of events sent in watch clients',
      labels: ['group', 'version', 'resource'],
    })
    .of(group, version, resource);

/** Has it shown how many objects there are of each stored resource; returns how to end that. */
export const showObjects = (metrics: Metrics, view: Pick<StateView, 'catalog' | 'entries'>): (() => void) =>
  metrics.ask(
    {
      name: 'apiserver_resource_objects',
      help: 'Number of stored objects at the time of last check split by kind.',
      labels: ['group', 'resource'],
      type: 'gauge',
    },
    () =>
      view.catalog.current.stored.map(({ resource }) => ({
        labels: [resource.group, resource.resource],
        value: view.entries(resource).length,
      })),
  );
