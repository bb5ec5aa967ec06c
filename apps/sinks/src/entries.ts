import type { SinkMessage } from '#libs/adapters';
import { decodeObject, parseSubject, splitSealed, UNOPENED, withoutData, type Recorded } from '#libs/log';
import { activityOfRequest, activityOfRevision, auditEventOf, revisionOf, type Activity, type StoredEvent } from '#libs/history';
import type { AuditBatch } from '#libs/log';
import type { SinkSettings } from './sinks-file.js';

/** The same object's event before, as far as it is known. */
export type Before = NonNullable<StoredEvent['before']>;

type Wanted = Pick<SinkSettings, 'format' | 'bodies'>;

/** A body that can be read without keys: of a Secret nothing but what it is called. */
function plainBody(event: Recorded, namespace: string, name: string): Uint8Array {
  if (event.meta.encoding === 'json') return event.body;
  return withoutData(namespace, name, splitSealed(event.body).uid, UNOPENED);
}

const lineOf = (activity: Activity, { format }: Wanted, body?: unknown): string =>
  JSON.stringify(format === 'audit' ? auditEventOf(activity, body) : activity);

/** An event of the log as a sink gets it; undefined for what is no object's. */
export function entryOfEvent(event: Recorded, before: Before | undefined, wanted: Wanted): SinkMessage | undefined {
  const parts = parseSubject(event.subject);
  if (parts === undefined) return undefined;
  const { group, resource, namespace, name } = parts;
  const body = plainBody(event, namespace, name);
  const object = decodeObject(body, event.sequence);
  const stored = { ...event, body, resource: { group, resource }, namespace, name, uid: object.metadata.uid ?? '', type: event.meta.type };
  const revision = revisionOf(before === undefined ? stored : { ...stored, before });
  const activity = activityOfRevision(revision);
  return { id: activity.metadata.name ?? '', text: lineOf(activity, wanted, wanted.bodies ? object : undefined) };
}

/** The entries of a message of the audit stream. */
export const entriesOfAudit = ({ sequence, entries }: AuditBatch, wanted: Wanted): readonly SinkMessage[] =>
  entries.map((entry, index) => {
    const activity = activityOfRequest({ sequence, index, entry });
    return { id: activity.metadata.name ?? '', text: lineOf(activity, wanted) };
  });

/** An event as the next one's before. */
export const asBefore = (event: Recorded): Before => ({ sequence: event.sequence, type: event.meta.type, body: event.body });
