import { STREAMS } from '#libs/log';
import type { Metrics, Share, StateView } from '#libs/runtime';

/** Has it shown which build of which component this process is. */
export const showBuild = (metrics: Metrics, component: string, version: string): void =>
  metrics
    .gauge({
      name: 'decklog_build_info',
      help: 'Always 1: which component of which version this process is.',
      labels: ['component', 'version'],
    })
    .of(component, version)
    .set(1);

/** Has it shown how far this process' cache has read each stream. */
export const showCache = (metrics: Metrics, view: Pick<StateView, 'position'>): (() => void) =>
  metrics.ask(
    {
      name: 'decklog_cache_position',
      help: 'The newest sequence of the log that this process has seen; the difference to the highest of all processes is its lag.',
      labels: ['stream'],
      type: 'gauge',
    },
    () => {
      const { position } = view;
      return STREAMS.map((stream) => ({ labels: [stream], value: position[stream] }));
    },
  );

/** Has it shown which part of a service's work is this process', and how it came and went; returns how to end that. */
export function showShare(metrics: Metrics, service: string, share: Share, owned: () => number): () => Promise<void> {
  const labels = ['service'] as const;
  const ends = [
    metrics.ask(
      { name: 'decklog_shards_owned', help: "Shards of the service's work that this process does.", labels, type: 'gauge' },
      () => [{ labels: [service], value: owned() }],
    ),
    metrics.ask({ name: 'decklog_shards', help: 'Shards that the work of the service is divided into.', labels, type: 'gauge' }, () => [
      { labels: [service], value: share.shards },
    ]),
  ];
  const changes = metrics.counter({
    name: 'decklog_shard_changes_total',
    help: 'Shards that this process has gained, was asked to hand over, or lost without being asked.',
    labels: ['service', 'change'],
  });
  const [gained, handedOver, lost] = [changes.of(service, 'gained'), changes.of(service, 'handed_over'), changes.of(service, 'lost')];
  const unheard = share.subscribe({
    gained: (shards) => gained.add(shards.length),
    losing: (shards) => {
      handedOver.add(shards.length);
      return Promise.resolve();
    },
    lost: (shards) => lost.add(shards.length),
  });
  return () => {
    unheard();
    for (const end of ends) end();
    return Promise.resolve();
  };
}
