import type { Sequence } from '#libs/log';
import { parseSubject } from '#libs/log';

/** What of a message decides whether it may be archived. */
export interface ArchivableMessage {
  readonly sequence: Sequence;
  readonly subject: string;
  /** It is the end of an object. */
  readonly deleted: boolean;
  readonly bytes: number;
}

/** How much of something is archived. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/** What is to be taken out of a stream. */
export interface ArchivePlan extends Amount {
  /** Nothing after it is taken. */
  readonly before: Sequence;
  /** Objects that lose messages, and how many of them were deleted and lose all. */
  readonly objects: number;
  readonly gone: number;
  /** How much of each kind, `pods`, `deployments.apps`, most bytes first; markers of guards are `(markers)`. */
  readonly kinds: readonly (Amount & { readonly kind: string })[];
  /** By subject: every message before this sequence goes. Subjects that lose nothing are not in it. */
  readonly cuts: ReadonlyMap<string, Sequence>;
}

/** What is known of one subject. */
interface Subject {
  newest: Sequence;
  deleted: boolean;
  newestBytes: number;
  messages: number;
  bytes: number;
}

const MARKERS = '(markers)';

function kindOf(subject: string): string {
  const parts = parseSubject(subject);
  if (!parts) return MARKERS;
  return parts.group === '' ? parts.resource : `${parts.resource}.${parts.group}`;
}

/** Looks at every message of a stream, in order, and says in the end what may go. */
export interface ArchivePlanner {
  readonly note: (message: ArchivableMessage) => void;
  readonly plan: () => ArchivePlan;
}

/**
 * Plans what of a stream goes to the archive: of the messages up to and including `before` those that a newer one of the same
 * subject superseded, all of an object that was deleted by then, and the markers of guards. Never the newest message of
 * an object that is there, and never the stream's last one, by which a rolled back log is known.
 */
export function archivePlanner(before: Sequence): ArchivePlanner {
  const subjects = new Map<string, Subject>();
  let last = 0;
  const note = ({ sequence, subject, deleted, bytes }: ArchivableMessage): void => {
    last = sequence;
    const known = subjects.get(subject);
    if (sequence > before) {
      if (known) [known.newest, known.deleted, known.newestBytes] = [sequence, false, 0];
    } else if (known) {
      [known.newest, known.deleted, known.newestBytes] = [sequence, deleted, bytes];
      known.messages++;
      known.bytes += bytes;
    } else subjects.set(subject, { newest: sequence, deleted, newestBytes: bytes, messages: 1, bytes });
  };
  return { note, plan: () => planOf(subjects, before, last) };
}

function planOf(subjects: ReadonlyMap<string, Subject>, before: Sequence, last: Sequence): ArchivePlan {
  const cuts = new Map<string, Sequence>();
  const kinds = new Map<string, { messages: number; bytes: number }>();
  let [messages, bytes, objects, gone] = [0, 0, 0, 0];
  for (const [subject, { newest, deleted, newestBytes, ...all }] of subjects) {
    const kind = kindOf(subject);
    const isWhole = newest > before || ((deleted || kind === MARKERS) && newest !== last);
    const count = isWhole ? all.messages : all.messages - 1;
    if (count === 0) continue;
    const size = isWhole ? all.bytes : all.bytes - newestBytes;
    cuts.set(subject, isWhole ? Math.min(newest, before) + 1 : newest);
    const amount = kinds.get(kind) ?? { messages: 0, bytes: 0 };
    kinds.set(kind, { messages: amount.messages + count, bytes: amount.bytes + size });
    messages += count;
    bytes += size;
    if (kind === MARKERS) continue;
    objects++;
    if (isWhole && newest <= before) gone++;
  }
  const sorted = [...kinds].map(([kind, amount]) => ({ kind, ...amount })).sort((a, b) => b.bytes - a.bytes || (a.kind < b.kind ? -1 : 1));
  return { before: Math.min(before, last), messages, bytes, objects, gone, kinds: sorted, cuts };
}
