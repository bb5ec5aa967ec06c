import { effectTree, type CausedEvent } from './effects.js';
import type { Effect } from './wire.js';

const caused = (place: string, cause: string | undefined): CausedEvent => ({ place, cause, effect: { place } });

/** A chain of so many events behind `state:1`. */
const chain = (length: number): readonly CausedEvent[] => Array.from({ length }, (_, i) => caused(`state:${i + 2}`, `state:${i + 1}`));

const depth = (effects: readonly Effect[]): number =>
  effects.length === 0 ? 0 : 1 + Math.max(...effects.map((effect) => depth(effect.effects ?? [])));

describe('what an event caused, as a tree', () => {
  const rows: readonly (readonly [title: string, events: readonly CausedEvent[], tree: ReturnType<typeof effectTree>])[] = [
    ['nothing came of it', [], { effects: [], whole: true }],
    [
      'effects are in the order of the log, whatever order they come in',
      [caused('state:10', 'state:1'), caused('state:9', 'state:1')],
      { effects: [{ place: 'state:9' }, { place: 'state:10' }], whole: true },
    ],
    [
      'an effect of an effect is below it',
      [caused('state:3', 'state:2'), caused('state:2', 'state:1')],
      { effects: [{ place: 'state:2', effects: [{ place: 'state:3' }] }], whole: true },
    ],
    [
      'what has another cause, or none, is not there',
      [caused('state:3', 'state:7'), caused('state:4', undefined)],
      { effects: [], whole: true },
    ],
    [
      'a ring of causes, which only a forged log has, comes to an end',
      [caused('state:2', 'state:1'), caused('state:3', 'state:2'), caused('state:2', 'state:3')],
      { effects: [{ place: 'state:2', effects: [{ place: 'state:3' }] }], whole: true },
    ],
  ];
  test.each(rows)('%s', (_title, events, tree) => expect(effectTree('state:1', events)).toEqual(tree));

  test('a chain of 100 events is shown whole', () => {
    const { effects, whole } = effectTree('state:1', chain(100));
    expect([depth(effects), whole]).toEqual([100, true]);
  });

  test('of a longer one the first 100, and it is said', () => {
    const { effects, whole } = effectTree('state:1', chain(5_000));
    expect([depth(effects), whole]).toEqual([100, false]);
  });
});
