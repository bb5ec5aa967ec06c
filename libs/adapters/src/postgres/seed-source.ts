import type { DataSource } from 'typeorm';
import type { Instant } from '#libs/apimachinery';
import type { PastEvent, SeedRow } from '#libs/history';
import { decodeObject, type EventMeta, type EventType, type Sequence } from '#libs/log';
import type { StoredRow } from '#libs/runtime';
import type { Opener } from '../sealing/index.js';
import { poolOf, rowsOf } from './data-source.js';
import type { BodyColumns } from './stored-row.js';
import { storedRows } from './stored-row.js';

/** Each object's newest event of `state` by $1, but for those that were deleted by then. */
const OBJECTS = `
  select v.* from object o cross join lateral (
    select r.api_group, r.resource, r.namespace, r.name, r.sequence, r.encoding, r.body, r.meta, r.type from revision r
    where r.api_group = o.api_group and r.resource = o.resource and r.namespace = o.namespace and r.name = o.name
      and r.stream = 'state' and r.sequence <= $1
    order by r.sequence desc limit 1
  ) v
  where o.stream = 'state' and v.type <> 'Deleted'`;

/** The newest event of `state` by a time. */
const BY_TIME = {
  name: 'seed-by-time',
  text: `select sequence, extract(epoch from time) * 1000 as ms from revision where stream = 'state' and time <= $1
    order by sequence desc limit 1`,
};
const BY_SEQUENCE = {
  name: 'seed-by-sequence',
  text: `select sequence, extract(epoch from time) * 1000 as ms from revision where stream = 'state' and sequence <= $1
    order by sequence desc limit 1`,
};
const PODS_AFTER = {
  name: 'seed-pods-after',
  text: `select api_group, resource, namespace, name, sequence, encoding, body from revision
    where stream = 'state' and sequence > $1 and api_group = '' and resource = 'pods' and body like any ($2)
    order by sequence limit $3`,
};

/** Events of `state` that no controller decided on and no node wrote, with the same object's event before each. */
const OUTSIDE = {
  name: 'seed-outside',
  text: `select r.api_group, r.resource, r.namespace, r.name, r.sequence, r.encoding, r.body, r.type, r.meta,
      extract(epoch from r.time) * 1000 as ms, b.sequence as before_sequence, b.encoding as before_encoding, b.body as before_body
    from revision r left join lateral (
      select p.sequence, p.encoding, p.body from revision p
      where p.api_group = r.api_group and p.resource = r.resource and p.namespace = r.namespace and p.name = r.name
        and p.stream = 'state' and p.sequence < r.sequence order by p.sequence desc limit 1
    ) b on true
    where r.stream = 'state' and r.sequence > $1 and not (r.meta ? 'decision')
      and r.actor not like 'system:node:%' and r.actor not like 'system:serviceaccount:kube-system:%'
    order by r.sequence limit $2`,
};
const EVENT = {
  name: 'seed-event',
  text: `select resource, namespace, name, meta from revision where stream = 'state' and sequence = $1`,
};

const PAGE = 2_000;

interface OutsideColumns extends BodyColumns {
  readonly type: EventType;
  readonly meta: EventMeta;
  readonly ms: string;
  readonly before_sequence: string | null;
  readonly before_encoding: EventMeta['encoding'] | null;
  readonly before_body: string | null;
}

/** Where an event of `state` lies. */
export interface EventTime {
  readonly sequence: Sequence;
  readonly time: Instant;
}

/** What of a cluster's past a fork is made from, out of its projection. Secrets are opened with `opener`. */
export class PostgresSeedSource {
  constructor(
    private readonly dataSource: DataSource,
    private readonly opener: Opener,
  ) {}

  /** The newest event of `state` at or before a sequence or a time; undefined where there is none. */
  async newestBy(moment: { readonly sequence: Sequence } | { readonly time: Instant }): Promise<EventTime | undefined> {
    const rows =
      'sequence' in moment
        ? await rowsOf<{ sequence: string; ms: string }>(this.dataSource, BY_SEQUENCE, [moment.sequence])
        : await rowsOf<{ sequence: string; ms: string }>(this.dataSource, BY_TIME, [new Date(moment.time)]);
    const [row] = rows;
    return row && { sequence: Number(row.sequence), time: Math.round(Number(row.ms)) };
  }

  /** All objects of `state` as they stood at a sequence, in pages, in no order. */
  async *objects(at: Sequence): AsyncGenerator<readonly SeedRow[]> {
    const session = await poolOf(this.dataSource).connect();
    let broken = true;
    try {
      await session.query('begin isolation level repeatable read read only');
      await session.query(`declare seed no scroll cursor for ${OBJECTS}`, [at]);
      for (;;) {
        const { rows } = await session.query<BodyColumns & { readonly meta: EventMeta }>(`fetch ${PAGE} from seed`);
        const opened = await storedRows(rows, this.opener);
        yield opened.flatMap(({ resource: { group, resource }, ...rest }, i): SeedRow[] => {
          const meta = rows[i]?.meta;
          return meta === undefined ? [] : [{ ...rest, group, resource, meta }];
        });
        if (rows.length < PAGE) break;
      }
      await session.query('commit');
      broken = false;
    } finally {
      session.release(broken);
    }
  }

  /** The states of pods after a sequence whose bodies hold one of these texts, the oldest first. */
  async podsAfter(sequence: Sequence, texts: readonly string[], most: number): Promise<readonly Uint8Array[]> {
    const patterns = texts.map((text) => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
    const rows = await rowsOf<BodyColumns>(this.dataSource, PODS_AFTER, [sequence, patterns, most]);
    return rows.map(({ body }) => new Uint8Array(Buffer.from(body, 'utf8')));
  }

  /** What an event of `state` says of itself; undefined where there is none. */
  async event(sequence: Sequence): Promise<{ readonly resource: string; readonly name: string; readonly meta: EventMeta } | undefined> {
    return (await rowsOf<{ resource: string; name: string; meta: EventMeta }>(this.dataSource, EVENT, [sequence]))[0];
  }

  /** What was written after a sequence and not decided by a controller, the oldest first. */
  async outside(after: Sequence, most: number): Promise<readonly PastEvent[]> {
    const columns = await rowsOf<OutsideColumns>(this.dataSource, OUTSIDE, [after, most]);
    const rows = await storedRows(columns, this.opener);
    const earlier = columns.map(({ before_sequence: sequence, before_encoding: encoding, before_body: body, ...place }) =>
      sequence === null || encoding === null || body === null ? undefined : { ...place, sequence, encoding, body },
    );
    const before = new Map<BodyColumns, StoredRow>();
    const present = earlier.filter((one) => one !== undefined);
    for (const [i, row] of (await storedRows(present, this.opener)).entries()) if (present[i]) before.set(present[i], row);
    return rows.flatMap(({ resource: { group, resource }, namespace, name, sequence, body }, i): PastEvent[] => {
      const column = columns[i];
      if (column === undefined) return [];
      const old = earlier[i] && before.get(earlier[i]);
      const { type, meta, ms } = column;
      const event = {
        group,
        resource,
        namespace,
        name,
        sequence,
        time: Math.round(Number(ms)),
        type,
        meta,
        object: decodeObject(body, sequence),
      };
      return [old === undefined ? event : { ...event, before: decodeObject(old.body, old.sequence) }];
    });
  }
}
