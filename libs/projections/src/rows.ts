import type { Instant } from '#libs/apimachinery';
import type { EventMeta, EventType, Recorded, Sequence, StreamName } from '#libs/log';
import { parseSubject, splitSealed } from '#libs/log';

/** One row of the table `revision`: an event, whole. Inserted once, never changed. Key: stream and sequence. */
export interface RevisionRow {
  readonly stream: StreamName;
  readonly sequence: Sequence;
  readonly group: string;
  readonly resource: string;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: EventType;
  /** When the log stored the event. */
  readonly time: Instant;
  readonly meta: EventMeta;
  readonly encoding: EventMeta['encoding'];
  /** As in the log: JSON, or a sealed Secret. */
  readonly body: Uint8Array;
}

/** One row of the table `object`: the last revision of an object. A deleted one stays as a tombstone. Key: group, resource, namespace, name. */
export interface ObjectRow extends Pick<
  RevisionRow,
  'stream' | 'group' | 'resource' | 'namespace' | 'name' | 'uid' | 'sequence' | 'encoding' | 'body'
> {
  readonly deleted: boolean;
  /** What label selectors compare; undefined where there are none, and for sealed Secrets. */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

/** What one event changes: a revision to insert, and the object as it stands after it. */
export interface RowChanges {
  readonly revision: RevisionRow;
  readonly object: ObjectRow;
}

interface Head {
  readonly metadata?: { readonly uid?: string; readonly labels?: Readonly<Record<string, string>> };
}

const decoder = new TextDecoder();

/** What rows keep beside the body. A sealed body says whose it is, and no more. */
function headOf(event: Recorded): { readonly uid: string; readonly labels: ObjectRow['labels'] } {
  if (event.meta.encoding === 'aes256gcm') return { uid: splitSealed(event.body).uid, labels: undefined };
  const { metadata } = JSON.parse(decoder.decode(event.body)) as Head;
  return { uid: metadata?.uid ?? '', labels: metadata?.labels };
}

/**
 * The rows of an event. Throws RangeError for a subject that is no object's, and whatever parsing throws: a
 * projection stops rather than skip an event.
 */
export function projectEvent(event: Recorded): RowChanges {
  const parts = parseSubject(event.subject);
  if (!parts) throw new RangeError(`event ${event.stream}:${event.sequence} has the subject ${event.subject}, no object's`);
  const { group, resource, namespace, name } = parts;
  const { stream, sequence, body, meta, time } = event;
  const { uid, labels } = headOf(event);
  const shared = { stream, sequence, group, resource, namespace, name, encoding: meta.encoding, body, uid };
  return { revision: { ...shared, type: meta.type, time, meta }, object: { ...shared, deleted: meta.type === 'Deleted', labels } };
}

/** How an object's row is named: the key of the table `object`. */
export const objectRowKey = ({ group, resource, namespace, name }: Pick<ObjectRow, 'group' | 'resource' | 'namespace' | 'name'>): string =>
  [group, resource, namespace, name].join('/');

/** Whether a row replaces the one that is there: only a newer sequence does, so that a redelivery changes nothing. */
export const supersedes = (next: Pick<ObjectRow, 'sequence'>, there: Pick<ObjectRow, 'sequence'> | undefined): boolean =>
  there === undefined || next.sequence > there.sequence;

/** The rows of a batch, in order, and for each whether it is its object's newest in the batch: only that one touches `object`. */
export function projectBatch(events: readonly Recorded[]): readonly (RowChanges & { readonly newest: boolean })[] {
  const newest = new Map<string, Sequence>();
  const changes = events.map((event) => projectEvent(event));
  for (const { object } of changes) newest.set(objectRowKey(object), object.sequence);
  return changes.map((change) => ({ ...change, newest: newest.get(objectRowKey(change.object)) === change.object.sequence }));
}

/** Both tables as maps: what the projection is, said without SQL. */
export interface Tables {
  readonly objects: ReadonlyMap<string, ObjectRow>;
  readonly revisions: ReadonlyMap<string, RevisionRow>;
}

/** No rows. */
export const NO_ROWS: Tables = { objects: new Map(), revisions: new Map() };

/** The tables after a batch of events. The SQL of the adapters does this same thing. */
export function foldTables(tables: Tables, events: readonly Recorded[]): Tables {
  const objects = new Map(tables.objects);
  const revisions = new Map(tables.revisions);
  for (const { object, revision, newest } of projectBatch(events)) {
    const place = `${revision.stream}:${revision.sequence}`;
    if (!revisions.has(place)) revisions.set(place, revision);
    const key = objectRowKey(object);
    if (newest && supersedes(object, objects.get(key))) objects.set(key, object);
  }
  return { objects, revisions };
}
