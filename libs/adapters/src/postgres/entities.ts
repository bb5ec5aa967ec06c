import { EntitySchema } from 'typeorm';
import type { EventMeta, EventType, StreamName } from '#libs/log';

/** A row of `object` as the database holds it: sequences as decimal text, a sealed body as base64. */
export interface ObjectRecord {
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly stream: StreamName;
  readonly sequence: string;
  readonly uid: string;
  readonly deleted: boolean;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly encoding: EventMeta['encoding'];
  readonly body: string;
}

/** A row of `revision` as the database holds it. */
export interface RevisionRecord {
  readonly stream: StreamName;
  readonly sequence: string;
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: EventType;
  readonly time: Date;
  readonly meta: EventMeta;
  readonly verb: string;
  readonly actor: string;
  readonly root: string | null;
  readonly cause: string | null;
  readonly encoding: EventMeta['encoding'];
  readonly body: string;
  /** Hash of the message as stored, and the chain at it; null where an older build's row outlived its message. */
  readonly digest: Buffer | null;
  readonly chain: Buffer | null;
}

/** A row of `checkpoint`: how far a stream has been projected, and whether its rows have their chain. */
export interface CheckpointRecord {
  readonly stream: StreamName | 'audit';
  readonly sequence: string;
  readonly chained: boolean;
}

/** Current objects, and tombstones of deleted ones. */
export const objectEntity = new EntitySchema<ObjectRecord>({
  name: 'object',
  columns: {
    apiGroup: { type: 'text', name: 'api_group', primary: true },
    resource: { type: 'text', primary: true },
    namespace: { type: 'text', primary: true },
    name: { type: 'text', primary: true },
    stream: { type: 'text' },
    sequence: { type: 'bigint' },
    uid: { type: 'text' },
    deleted: { type: 'boolean' },
    labels: { type: 'jsonb', nullable: true },
    encoding: { type: 'text' },
    body: { type: 'text' },
  },
});

/** Every event. The columns verb, actor, root and cause are computed by the database from `meta`. */
export const revisionEntity = new EntitySchema<RevisionRecord>({
  name: 'revision',
  columns: {
    stream: { type: 'text', primary: true },
    sequence: { type: 'bigint', primary: true },
    apiGroup: { type: 'text', name: 'api_group' },
    resource: { type: 'text' },
    namespace: { type: 'text' },
    name: { type: 'text' },
    uid: { type: 'text' },
    type: { type: 'text' },
    time: { type: 'timestamptz' },
    meta: { type: 'jsonb' },
    verb: { type: 'text', insert: false, update: false },
    actor: { type: 'text', insert: false, update: false },
    root: { type: 'text', nullable: true, insert: false, update: false },
    cause: { type: 'text', nullable: true, insert: false, update: false },
    encoding: { type: 'text' },
    body: { type: 'text' },
    digest: { type: 'bytea', nullable: true },
    chain: { type: 'bytea', nullable: true },
  },
});

/** How far each stream has been projected, written in the transaction of the rows. */
export const checkpointEntity = new EntitySchema<CheckpointRecord>({
  name: 'checkpoint',
  columns: { stream: { type: 'text', primary: true }, sequence: { type: 'bigint' }, chained: { type: 'boolean', default: true } },
});
