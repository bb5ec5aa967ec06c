import type { Effect } from './wire.js';

/** An event in a tree of effects: its place and the place of its cause, both `stream:sequence`. */
export interface CausedEvent {
  readonly place: string;
  readonly cause: string | undefined;
  /** As it is shown. */
  readonly effect: Effect;
}

/** What an event caused, as a tree: `events` are all those behind it in any order, each with its cause. Sorted by place in the log. */
export function effectTree(of: string, events: readonly CausedEvent[]): readonly Effect[] {
  const byCause = new Map<string, CausedEvent[]>();
  for (const event of events) {
    if (event.cause === undefined || event.place === of) continue;
    const siblings = byCause.get(event.cause);
    if (siblings) siblings.push(event);
    else byCause.set(event.cause, [event]);
  }
  const placed = new Set<string>([of]);
  const grow = (place: string): readonly Effect[] =>
    (byCause.get(place) ?? [])
      .filter((event) => !placed.has(event.place) && placed.add(event.place))
      .sort((a, b) => numberOf(a.place) - numberOf(b.place))
      .map((event) => {
        const effects = grow(event.place);
        return { ...event.effect, ...(effects.length === 0 ? {} : { effects }) };
      });
  return grow(of);
}

const numberOf = (place: string): number => Number(place.slice(place.indexOf(':') + 1));
