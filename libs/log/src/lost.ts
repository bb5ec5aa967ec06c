import type { Sequence, StreamName } from './event.js';

/**
 * Sequences of a stream that a cluster which is gone may have given out after the backup that the stream was restored from: those after
 * `after`, before `through`. Nothing of it is there.
 */
export interface LostSequences {
  readonly after: Sequence;
  /** The first sequence that is this log's own again. */
  readonly through: Sequence;
}

/** The lost sequences of each stream that has any: the newest restoration's. */
export type Lost = Readonly<Partial<Record<StreamName, LostSequences>>>;

/** Whether a sequence may have meant something else, in a cluster that is gone. */
export function isLost(lost: Lost, stream: StreamName, sequence: Sequence): boolean {
  const { after = 0, through = 0 } = lost[stream] ?? {};
  return sequence > after && sequence < through;
}

/** Lost sequences as a stream's metadata has them, `<after>-<through>`; undefined for anything else. */
export function parseLost(text: string | undefined): LostSequences | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '');
  return found ? { after: Number(found[1]), through: Number(found[2]) } : undefined;
}

/** The reverse of `parseLost`. */
export const formatLost = ({ after, through }: LostSequences): string => `${after}-${through}`;
