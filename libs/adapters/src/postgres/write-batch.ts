import type { EventMeta, ReadBatch, Recorded, Sequence, StreamName } from '#libs/log';
import { projectBatch } from '#libs/projections';
import { bigintArray, booleanArray, byteaArray, textArray } from './binary-array.js';
import type { Session } from './data-source.js';
import type { Head } from './chain.js';
import { linksOf } from './chain.js';
import { jsonb } from './jsonb.js';
import { storedBody } from './stored-row.js';

/** Somebody else moved the checkpoint: the projection was rebuilt, or another process projects. Begin again from where it is. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

const STATEMENT = {
  name: 'project-batch',
  text: `
    with input as (
      select * from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[],
                           $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[], $17::bytea[], $18::bytea[])
        as row (sequence, api_group, resource, namespace, name, uid, type, ms, meta, encoding, body, labels, newest, digest, chain)
    ), revisions as (
      insert into revision (stream, sequence, api_group, resource, namespace, name, uid, type, time, meta, encoding, body, digest, chain)
      select $1, sequence, api_group, resource, namespace, name, uid, type, to_timestamp(ms / 1000.0), meta::jsonb, encoding, body,
             digest, chain
        from input
      on conflict do nothing
    ), objects as (
      insert into object (api_group, resource, namespace, name, stream, sequence, uid, deleted, labels, encoding, body)
      select api_group, resource, namespace, name, $1, sequence, uid, type = 'Deleted', labels::jsonb, encoding, body
        from input where newest
      on conflict (api_group, resource, namespace, name) do update
        set stream = excluded.stream, sequence = excluded.sequence, uid = excluded.uid, deleted = excluded.deleted,
            labels = excluded.labels, encoding = excluded.encoding, body = excluded.body
        where object.sequence < excluded.sequence
    )
    update checkpoint set sequence = $3 where stream = $1 and sequence = $2`,
};

const ADVANCE = { name: 'project-nothing', text: 'update checkpoint set sequence = $3 where stream = $1 and sequence = $2' };

/** Events and bytes of one statement. */
const EVENTS = 500;
const BYTES = 8 * 1024 * 1024;

/** A batch cut into pieces that one statement takes; the last one's `through` is the batch's. */
function* pieces({ events, through }: ReadBatch): Generator<ReadBatch> {
  let piece: Recorded[] = [];
  let bytes = 0;
  for (const event of events) {
    const last = piece.at(-1);
    if (last && (piece.length === EVENTS || bytes + event.body.length > BYTES)) {
      yield { events: piece, through: last.sequence };
      [piece, bytes] = [[], 0];
    }
    piece.push(event);
    bytes += event.body.length;
  }
  yield { events: piece, through };
}

async function writePiece(session: Session, stream: StreamName, head: Head, { events, through }: ReadBatch): Promise<Head> {
  const { sequence: from, chain } = head;
  const place = [stream, from, through];
  if (events.length === 0) {
    expectMoved((await session.query({ ...ADVANCE, values: place })).rowCount, stream, from);
    return { sequence: through, chain };
  }
  const rows = projectBatch(events);
  const links = linksOf(chain, events);
  const column = <T>(value: (row: (typeof rows)[number]['revision']) => T): T[] => rows.map(({ revision }) => value(revision));
  const metas = column(({ meta }): EventMeta => meta);
  const values = [
    ...place,
    bigintArray(column(({ sequence }) => sequence)),
    textArray(column(({ group }) => group)),
    textArray(column(({ resource }) => resource)),
    textArray(column(({ namespace }) => namespace)),
    textArray(column(({ name }) => name)),
    textArray(column(({ uid }) => uid)),
    textArray(column(({ type }) => type)),
    bigintArray(column(({ time }) => time)),
    textArray(metas.map(jsonb)),
    textArray(column(({ encoding }) => encoding)),
    textArray(column(({ body, encoding }) => storedBody(body, encoding))),
    textArray(rows.map(({ object }) => (object.labels ? jsonb(object.labels) : null))),
    booleanArray(rows.map(({ newest }) => newest)),
    byteaArray(links.map(({ digest }) => digest)),
    byteaArray(links.map((link) => link.chain)),
  ];
  expectMoved((await session.query({ ...STATEMENT, values })).rowCount, stream, from);
  return { sequence: through, chain: links.at(-1)?.chain ?? chain };
}

/** Throws CheckpointMoved where a statement did not move the checkpoint. */
export function expectMoved(rows: number | null, stream: StreamName | 'audit', from: Sequence): void {
  if (rows !== 1) throw new CheckpointMoved(`the projection of ${stream} no longer stands at ${from}`);
}

/**
 * Writes a batch that follows on `head`, its events read with their digests: one statement for each piece, so that its rows and the
 * checkpoint are one transaction. Idempotent by sequence. Says where the projection now stands; throws CheckpointMoved where it was
 * not at `head` (rows written by then are right all the same).
 */
export async function writeBatch(session: Session, stream: StreamName, head: Head, batch: ReadBatch): Promise<Head> {
  let at = head;
  for (const piece of pieces(batch)) {
    if (piece.through > at.sequence) at = await writePiece(session, stream, at, piece);
  }
  return at;
}

/** How far a stream has been projected. */
export async function checkpointOf(session: Session, stream: StreamName | 'audit'): Promise<Sequence> {
  const { rows } = await session.query<{ sequence: string }>('select sequence from checkpoint where stream = $1', [stream]);
  return Number(rows[0]?.sequence ?? 0);
}
