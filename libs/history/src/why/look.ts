import type { KubeObject } from '#libs/apimachinery';
import type { Cause, Revision } from '../wire.js';

/** An object as the past knows it: by its resource and name, or by its uid alone. */
export interface Subject {
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** One thing that an explanation has to know before it goes on. */
export type Look =
  /** Revisions of an object, newest first. */
  | {
      readonly kind: 'revisions';
      readonly of: Subject;
      readonly changed?: string;
      /** RFC 3339. */
      readonly until?: string;
      readonly limit: number;
    }
  /** The chain of an event. */
  | { readonly kind: 'cause'; readonly of: Revision }
  /** An object as it was when the sequence was the newest. */
  | { readonly kind: 'object'; readonly of: Subject; readonly at: number }
  /** The pods that a selector finds, as they were. */
  | { readonly kind: 'pods'; readonly namespace: string; readonly labels: Readonly<Record<string, string>>; readonly at: number };

/**
 * An explanation on its way: it yields what it has to look up and is given what was found; what may not be read is not there. Whoever
 * drives it decides where to look: in an API, or in a log.
 */
export type Looking<T> = Generator<Look, T, unknown>;

/** Revisions of one object that are gone through: the newest tell most, and what lies further back is searched for. */
export const FEW_REVISIONS = 60;

/** Up to a revision, itself included: streams are in order, their times may be equal. `changed`: only what changed that field. */
export function* revisionsUpTo(of: Subject, newest: Revision, changed?: string): Looking<readonly Revision[]> {
  const look: Look = { kind: 'revisions', of, until: newest.time, limit: FEW_REVISIONS, ...(changed === undefined ? {} : { changed }) };
  const found = (yield look) as readonly Revision[];
  return found.filter(({ stream, sequence }) => stream !== newest.stream || sequence <= newest.sequence);
}

/** The event whose handling made another; undefined for a root, and where it may not be read. */
export function* causeOf(of: Revision): Looking<Revision | undefined> {
  if (of.cause === undefined) return undefined;
  const found = (yield { kind: 'cause', of }) as Cause | undefined;
  return found?.chain.at(-2)?.revision;
}

/** The newest revision up to another that changed one of these fields. */
export function* lastChangeOf(of: Subject, newest: Revision, fields: readonly string[]): Looking<Revision | undefined> {
  let found: Revision | undefined;
  for (const field of fields) {
    const [one] = yield* revisionsUpTo(of, newest, field);
    if (one !== undefined && one.sequence > (found?.sequence ?? 0)) found = one;
  }
  return found;
}

/** The object of an event as the event left it, or as it was before; undefined of streams that a moment does not name. */
export function* objectAt(revision: Revision, when: 'with' | 'before'): Looking<KubeObject | undefined> {
  if (revision.stream !== 'state') return undefined;
  return (yield { kind: 'object', of: subjectOf(revision), at: revision.sequence - (when === 'with' ? 0 : 1) }) as KubeObject | undefined;
}

/** Pods as they were. */
export function* podsAt(namespace: string, labels: Readonly<Record<string, string>>, at: number): Looking<readonly KubeObject[]> {
  return (yield { kind: 'pods', namespace, labels, at }) as readonly KubeObject[];
}

/** The object that a revision is of. */
export const subjectOf = ({ object: { group, resource, namespace, name } }: Revision): Subject => ({
  group,
  resource,
  ...(namespace === undefined ? {} : { namespace }),
  name,
});
