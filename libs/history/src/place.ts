import type { Sequence, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';

/** One event's place. Written `stream:sequence` in events, `stream-sequence` where it names an object of the API. */
export interface Place {
  readonly stream: StreamName;
  readonly sequence: Sequence;
}

const TEXT = /^([a-z]+)[:-](\d{1,15})$/;

/** The place that `state:12`, `state-12` or a bare `12` (of the stream `state`) names; undefined for anything else. */
export function parsePlace(text: string): Place | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text) > 0 ? { stream: 'state', sequence: Number(text) } : undefined;
  const [, name, digits] = TEXT.exec(text) ?? [];
  const stream = STREAMS.find((one) => one === name);
  const sequence = Number(digits);
  return stream === undefined || !(sequence > 0) ? undefined : { stream, sequence };
}

/** The name under which the API shows an event: `state-12`. */
export const placeName = ({ stream, sequence }: Place): string => `${stream}-${sequence}`;
