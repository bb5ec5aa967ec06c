import type { Position, Sequence, StreamName } from './event.js';
import { STREAMS } from './event.js';

/** A position as text: `state:N,lease:N,event:N`. */
export const formatPosition = (position: Position): string => STREAMS.map((stream) => `${stream}:${position[stream]}`).join(',');

const TEXT = /^state:(\d+),lease:(\d+),event:(\d+)$/;

/** The position a text names. Throws SyntaxError on anything `formatPosition` can't have written. */
export function parsePosition(text: string): Position {
  const found = TEXT.exec(text);
  if (!found) throw new SyntaxError(`not a position: ${JSON.stringify(text)}`);
  return { state: Number(found[1]), lease: Number(found[2]), event: Number(found[3]) };
}

/** One event's place as text, `stream:sequence`: what `root` and `cause` of an event hold. */
export const formatPlace = (stream: StreamName, sequence: Sequence): string => `${stream}:${sequence}`;

/** A place of the same append: `~3` is the third event before the one that says so. Its sequence is not known until both are stored. */
export const formatBefore = (distance: number): string => `~${distance}`;

const BEFORE = /^~([1-9]\d*)$/;

/** What `root` or `cause` of an event at a place says, as `stream:sequence`. Throws SyntaxError where it points before the stream. */
export function absolutePlace(text: string, stream: StreamName, sequence: Sequence): string {
  if (!text.startsWith('~')) return text;
  const first = sequence - Number(BEFORE.exec(text)?.[1]);
  if (!(first > 0)) throw new SyntaxError(`event ${formatPlace(stream, sequence)} points to ${text}, where nothing is`);
  return formatPlace(stream, first);
}
