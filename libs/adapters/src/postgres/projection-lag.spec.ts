import { ORIGIN, type StreamName } from '#libs/log';
import { MetricsRegistry } from '#libs/process';
import { SILENT_LOGGER } from '#libs/runtime';
import { lagOf, ProjectionLag, seenAt, type Seen } from './projection-lag.js';

describe('the lag of a projection', () => {
  it.each<[string, Seen | undefined, end: number, position: number, events: number, seconds: number]>([
    ['is nothing where it holds all', undefined, 7, 7, 0, 0],
    ['is nothing where it has seen more than the log’s end said', undefined, 7, 9, 0, 0],
    ['begins when it is first seen to lack events', undefined, 9, 7, 2, 5],
    ['goes on from when it last held all', { events: 1, evenAt: 1_000 }, 20, 7, 13, 14],
    ['ends when it holds all again', { events: 13, evenAt: 1_000 }, 20, 20, 0, 0],
  ])('%s', (_title, before, end, position, events, seconds) => {
    expect(lagOf(seenAt(before, end, position, 10_000), 15_000)).toEqual({ events, seconds });
  });

  it('is shown of what this process projects, and of nothing else', async () => {
    const registry = new MetricsRegistry();
    const streams: StreamName[] = ['state', 'lease'];
    const projector = { position: { ...ORIGIN, state: 5, lease: 3 }, streams };
    const lag = new ProjectionLag({ last: () => Promise.resolve(8) }, projector, SILENT_LOGGER, () => 0);
    const end = lag.showIn(registry);
    const shown = (): Record<string, readonly (readonly [string | undefined, number])[]> =>
      Object.fromEntries(
        registry.families().map(({ name, series }) => [name, series.map(({ labels, value }) => [labels[0], value] as const)]),
      );
    await lag.look();
    expect(shown()).toMatchObject({
      decklog_projection_position: [
        ['state', 5],
        ['lease', 3],
      ],
      decklog_projection_lag_events: [
        ['state', 3],
        ['lease', 5],
      ],
    });
    streams.pop();
    await lag.look();
    expect(shown()).toMatchObject({ decklog_projection_lag_events: [['state', 3]] });
    end();
    expect(shown()).toMatchObject({ decklog_projection_lag_events: [] });
  });
});
