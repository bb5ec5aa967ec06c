import { effectTree, HISTORY_API_VERSION, parsePlace, revisionOf, type Cause, type CausedEvent, type Effect } from '#libs/history';
import { formatPlace } from '#libs/log';
import type { PastReader, StoredRevision } from '#libs/runtime';
import type { Readable } from './readable.js';

/** Events of a tree at most, and steps of a chain. */
const MOST_EFFECTS = 1_000;
const MOST_STEPS = 100;
/** Causes asked for at once. */
const CHUNK = 200;

/** The object that an event is about. */
export const objectOf = ({ resource, namespace, name }: StoredRevision) => ({ ...resource, namespace, name });

/** An event as whoever asks may see it. */
async function shown(event: StoredRevision, readable: Readable): Promise<Effect> {
  const place = formatPlace(event.stream, event.sequence);
  return (await readable.allows(objectOf(event))) ? { place, revision: revisionOf(event) } : { place, hidden: true };
}

/** A chain, the root first; `whole`: no step between is left out. */
interface Chain {
  readonly steps: readonly Effect[];
  readonly whole: boolean;
}

/** An event by its place, as it may be seen; of one that the stream has forgotten only the place is left. */
async function shownAt(
  history: PastReader,
  at: string,
  readable: Readable,
): Promise<{ readonly effect: Effect; readonly event?: StoredRevision }> {
  const place = parsePlace(at);
  const event = place && (await history.revision(place.stream, place.sequence, true));
  return event === undefined ? { effect: { place: at } } : { effect: await shown(event, readable), event };
}

/**
 * From the root down to an event: what made it, what made that, and so on. An event that the stream has forgotten ends it; of a chain
 * that is too long the steps nearest to the event are there, and the root.
 */
async function chainTo(history: PastReader, event: StoredRevision, readable: Readable): Promise<Chain> {
  const steps = [await shown(event, readable)];
  let cause = event.meta.cause ?? event.meta.root;
  while (cause !== undefined) {
    if (steps.length === MOST_STEPS)
      return { steps: [(await shownAt(history, event.meta.root ?? cause, readable)).effect, ...steps], whole: false };
    const before = await shownAt(history, cause, readable);
    steps.unshift(before.effect);
    const next = before.event?.meta.cause ?? before.event?.meta.root;
    cause = next === cause ? undefined : next;
  }
  return { steps, whole: true };
}

/** Everything that an event caused, level by level; `whole`: there is no more. */
async function causedBy(history: PastReader, of: string): Promise<{ readonly events: readonly StoredRevision[]; readonly whole: boolean }> {
  const events: StoredRevision[] = [];
  const seen = new Set([of]);
  for (let level = [of]; level.length > 0;) {
    const next: string[] = [];
    for (let i = 0; i < level.length; i += CHUNK) {
      const room = MOST_EFFECTS - events.length;
      const found = await history.revisions({ causes: level.slice(i, i + CHUNK), limit: room + 1, withBefore: true });
      const fresh = found.filter(({ stream, sequence }) => !seen.has(formatPlace(stream, sequence)));
      for (const { stream, sequence } of fresh) seen.add(formatPlace(stream, sequence));
      events.push(...fresh.slice(0, room));
      if (found.length > room) return { events, whole: false };
      next.push(...fresh.map(({ stream, sequence }) => formatPlace(stream, sequence)));
    }
    level = next;
  }
  return { events, whole: true };
}

/** Why an event happened, and what came of it, as far as whoever asks may see it. */
export async function causeOf(history: PastReader, event: StoredRevision, readable: Readable): Promise<Cause> {
  const of = formatPlace(event.stream, event.sequence);
  const { events, whole } = await causedBy(history, of);
  const caused: CausedEvent[] = [];
  for (const one of events) {
    caused.push({ place: formatPlace(one.stream, one.sequence), cause: one.meta.cause, effect: await shown(one, readable) });
  }
  const { metadata } = revisionOf(event);
  const chain = await chainTo(history, event, readable);
  const tree = effectTree(of, caused);
  return {
    apiVersion: HISTORY_API_VERSION,
    kind: 'Cause',
    metadata,
    chain: chain.steps,
    effects: tree.effects,
    ...(whole && chain.whole && tree.whole ? {} : { truncated: true }),
  };
}
