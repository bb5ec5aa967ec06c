import type { DataSource } from 'typeorm';
import type { Instant } from '#libs/apimachinery';
import type { SeedRow } from '#libs/history';
import type { EventMeta, Sequence } from '#libs/log';
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

const PAGE = 2_000;

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
}
