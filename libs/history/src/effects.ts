import type { Effect } from './wire.js';

/** An event in a tree of effects: its place and the place of its cause, both `stream:sequence`. */
export interface CausedEvent {
  readonly place: string;
  readonly cause: string | undefined;
  /** As it is shown. */
  readonly effect: Effect;
}

/** What an event caused; `whole`: nothing is left out. */
export interface EffectTree {
  readonly effects: readonly Effect[];
  readonly whole: boolean;
}

/** Levels of a tree at most. */
const MOST_LEVELS = 100;

/**
 * What an event caused, as a tree: `events` are all those behind it in any order, each with its cause. Sorted by place in the log, and
 * cut off after 100 levels.
 */
export function effectTree(of: string, events: readonly CausedEvent[]): EffectTree {
  const byCause = new Map<string, CausedEvent[]>();
  for (const event of events) {
    if (event.cause === undefined || event.place === of) continue;
    const siblings = byCause.get(event.cause);
    if (siblings) siblings.push(event);
    else byCause.set(event.cause, [event]);
  }
  const placed = new Set<string>([of]);
  let whole = true;
  const grow = (place: string, level: number): readonly Effect[] => {
    const caused = (byCause.get(place) ?? []).filter((event) => !placed.has(event.place));
    if (level === MOST_LEVELS && caused.length > 0) {
      whole = false;
      return [];
    }
    for (const event of caused) placed.add(event.place);
    return caused
      .sort((a, b) => numberOf(a.place) - numberOf(b.place))
      .map((event) => {
        const effects = grow(event.place, level + 1);
        return { ...event.effect, ...(effects.length === 0 ? {} : { effects }) };
      });
  };
  return { effects: grow(of, 0), whole };
}

const numberOf = (place: string): number => Number(place.slice(place.indexOf(':') + 1));
