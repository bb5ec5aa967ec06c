import type { QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import type { Instant } from '#libs/apimachinery';
import { parsePlace } from '#libs/history';
import type { AuditEntry, EventMeta, EventType, Position, Sequence, StreamName } from '#libs/log';
import { ORIGIN, STREAMS } from '#libs/log';
import type { RequestQuery, RevisionQuery, StoredRequest, StoredRevision, StoredRow } from '#libs/runtime';
import type { Opener } from '../sealing/index.js';
import { poolOf, rowsOf } from './data-source.js';
import type { BodyColumns } from './stored-row.js';
import { storedRows } from './stored-row.js';

interface RevisionColumns extends BodyColumns {
  readonly stream: StreamName;
  readonly uid: string;
  readonly type: EventType;
  readonly ms: string;
  readonly meta: EventMeta;
  readonly before_sequence: string | null;
  readonly before_type: EventType | null;
  readonly before_encoding: EventMeta['encoding'] | null;
  readonly before_body: string | null;
}

const COLUMNS = 'r.stream, r.sequence, r.api_group, r.resource, r.namespace, r.name, r.uid, r.type, r.time, r.meta, r.encoding, r.body';
const BY_TIME = 'r.time desc, r.stream desc, r.sequence desc';
const instant = (number: string): string => `to_timestamp(${number}::bigint / 1000.0)`;

/** The rows of a selection in order, each with the same object's event before where that is asked for. */
const withBefore = (selection: string, order: string, wanted: boolean): string =>
  wanted
    ? `select r.*, extract(epoch from r.time) * 1000 as ms,
         b.sequence as before_sequence, b.type as before_type, b.encoding as before_encoding, b.body as before_body
       from (${selection}) r left join lateral (
         select p.sequence, p.type, p.encoding, p.body from revision p
         where p.api_group = r.api_group and p.resource = r.resource and p.namespace = r.namespace and p.name = r.name
           and p.sequence < r.sequence
         order by p.sequence desc limit 1) b on true
       order by ${order}`
    : `select r.*, extract(epoch from r.time) * 1000 as ms, null as before_sequence, null as before_type, null as before_encoding,
         null as before_body from (${selection}) r order by ${order}`;

/** Values of a statement as they are named in its text: `$1`, `$2`, ... */
class Values {
  readonly all: unknown[] = [];

  add(value: unknown): string {
    this.all.push(value);
    return `$${this.all.length}`;
  }

  /** `column = $n` for each value that is there. */
  equal(columns: Readonly<Record<string, unknown>>): string[] {
    return Object.entries(columns).flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${this.add(value)}`]));
  }
}

const all = (conditions: readonly string[]): string => (conditions.length === 0 ? 'true' : conditions.join(' and '));

/** Of one object: it lies in one stream, whose order is that of its sequences. */
const ofOneObject = ({ group, resource, namespace, name }: RevisionQuery): boolean =>
  group !== undefined && resource !== undefined && namespace !== undefined && name !== undefined;

function filters(query: RevisionQuery, values: Values): string[] {
  const { group, resource, namespace, name, uid, actor, verb, causes, since, until, before } = query;
  const columns = { api_group: group, resource, namespace, name, uid, actor, verb };
  const conditions = values.equal(Object.fromEntries(Object.entries(columns).map(([column, value]) => [`r.${column}`, value])));
  if (causes !== undefined) conditions.push(`r.cause = any(${values.add(causes)}::text[])`);
  if (since !== undefined) conditions.push(`r.time >= ${instant(values.add(since))}`);
  if (until !== undefined) conditions.push(`r.time <= ${instant(values.add(until))}`);
  if (before === undefined) return conditions;
  if (ofOneObject(query)) return [...conditions, `r.sequence < ${values.add(before.sequence)}`];
  const place = `${instant(values.add(before.time))}, ${values.add(before.stream)}, ${values.add(before.sequence)}::bigint`;
  return [...conditions, `(r.time, r.stream, r.sequence) < (${place})`];
}

/**
 * What to look for in turn, each of which an index answers in order: a stream each where nothing else leads to an index, and
 * of a root its own event beside what it began.
 */
function branches({ stream, actor, root, causes, namespace }: RevisionQuery, values: Values): readonly string[] {
  const streams = stream !== undefined || (actor ?? root ?? causes ?? namespace) !== undefined ? [stream] : STREAMS;
  const each = streams.map((one) => (one === undefined ? 'true' : `r.stream = ${values.add(one)}`));
  if (root === undefined) return each;
  const place = parsePlace(root);
  const began = each.map((condition) => `${condition} and r.root = ${values.add(root)}`);
  if (place === undefined) return began;
  return [...began, `${all(each)} and r.stream = ${values.add(place.stream)} and r.sequence = ${values.add(place.sequence)}`];
}

function revisionStatement(query: RevisionQuery): { readonly text: string; readonly values: unknown[] } {
  const values = new Values();
  const order = ofOneObject(query) ? 'r.sequence desc' : BY_TIME;
  const shared = filters(query, values);
  const limit = values.add(query.limit);
  const parts = branches(query, values).map(
    (branch) => `(select ${COLUMNS} from revision r where ${all([branch, ...shared])} order by ${order} limit ${limit})`,
  );
  const [only] = parts;
  const selection = parts.length === 1 && only !== undefined ? only.slice(1, -1) : unionOf(parts, order, limit);
  return { text: withBefore(selection, order, query.withBefore === true), values: values.all };
}

const unionOf = (parts: readonly string[], order: string, limit: string): string =>
  `select * from (${parts.join(' union all ')}) r order by ${order} limit ${limit}`;

/** The rows of a statement without a name: planned for its values, since those decide which index is best. */
async function planned<Row extends QueryResultRow>(dataSource: DataSource, text: string, values: unknown[]): Promise<readonly Row[]> {
  return (await poolOf(dataSource).query<Row>({ text, values })).rows;
}

/** Rows with everything a revision says, Secrets opened. */
async function storedRevisions(rows: readonly RevisionColumns[], opener: Opener): Promise<readonly StoredRevision[]> {
  const bodies = await storedRows(rows, opener);
  const followed = rows.flatMap((row) => beforeOf(row) ?? []);
  const olds = await storedRows(followed, opener);
  const before = new Map(followed.map(({ of }, i) => [of, olds[i]]));
  return rows.flatMap((row, i) => {
    const body = bodies[i];
    return body === undefined ? [] : [storedRevision(row, body, before.get(row))];
  });
}

function beforeOf(row: RevisionColumns): (BodyColumns & { readonly of: RevisionColumns }) | undefined {
  const { before_sequence: sequence, before_encoding: encoding, before_body: body } = row;
  return sequence === null || encoding === null || body === null ? undefined : { ...row, sequence, encoding, body, of: row };
}

function storedRevision(row: RevisionColumns, stored: StoredRow, before: StoredRow | undefined): StoredRevision {
  const { stream, uid, type, ms, meta, before_type: beforeType } = row;
  const old = before === undefined || beforeType === null ? undefined : { sequence: before.sequence, type: beforeType, body: before.body };
  return { ...stored, stream, uid, type, time: Math.round(Number(ms)), meta, ...(old === undefined ? {} : { before: old }) };
}

/** Events that match, newest first. */
export async function revisionsIn(dataSource: DataSource, opener: Opener, query: RevisionQuery): Promise<readonly StoredRevision[]> {
  const { text, values } = revisionStatement(query);
  return storedRevisions(await planned<RevisionColumns>(dataSource, text, values), opener);
}

const ONE = `select ${COLUMNS} from revision r where r.stream = $1 and r.sequence = $2`;
const REVISION = { name: 'revision', text: withBefore(ONE, 'r.sequence', false) };
const REVISION_WITH_BEFORE = { name: 'revision-with-before', text: withBefore(ONE, 'r.sequence', true) };

/** One event. */
export async function revisionIn(
  dataSource: DataSource,
  opener: Opener,
  stream: StreamName,
  sequence: Sequence,
  before: boolean,
): Promise<StoredRevision | undefined> {
  const rows = await rowsOf<RevisionColumns>(dataSource, before ? REVISION_WITH_BEFORE : REVISION, [stream, sequence]);
  return (await storedRevisions(rows, opener))[0];
}

const POSITION_BY = {
  name: 'position-by',
  text: `select s.stream, coalesce((select r.sequence from revision r where r.stream = s.stream and r.time <= ${instant('$1')}
      order by r.time desc, r.sequence desc limit 1), 0) as sequence from unnest($2::text[]) s (stream)`,
};

/** Where each stream stood at a time. */
export async function positionIn(dataSource: DataSource, time: Instant): Promise<Position> {
  const rows = await rowsOf<{ stream: StreamName; sequence: string }>(dataSource, POSITION_BY, [time, STREAMS]);
  return { ...ORIGIN, ...Object.fromEntries(rows.map(({ stream, sequence }) => [stream, Number(sequence)])) };
}

/** Entries of the audit stream that match, newest first. */
export async function requestsIn(dataSource: DataSource, query: RequestQuery): Promise<readonly StoredRequest[]> {
  const { kind, user, verb, group, resource, namespace, name, since, until, before, limit } = query;
  const values = new Values();
  const conditions = values.equal({ kind, verb, api_group: group, resource, namespace, name });
  if (since !== undefined) conditions.push(`time >= ${instant(values.add(since))}`);
  if (until !== undefined) conditions.push(`time <= ${instant(values.add(until))}`);
  if (before !== undefined) {
    const place = `${instant(values.add(before.time))}, ${values.add(before.sequence)}::bigint, ${values.add(before.index)}::integer`;
    conditions.push(`(time, sequence, index) < (${place})`);
  }
  if (user !== undefined) conditions.push(`${values.add(user)} in (actor, impersonator)`);
  const text = `select sequence, index, entry from request where ${all(conditions)}
    order by time desc, sequence desc, index desc limit ${values.add(limit)}`;
  const rows = await planned<{ sequence: string; index: number; entry: AuditEntry }>(dataSource, text, values.all);
  return rows.map(({ sequence, index, entry }) => ({ sequence: Number(sequence), index, entry }));
}
