import type { DataSource } from 'typeorm';
import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import type { Position, Sequence, StreamName } from '#libs/log';
import type { PastReader, RequestQuery, RevisionQuery, StoredRequest, StoredRevision, StoredRow } from '#libs/runtime';
import type { Opener } from '../sealing/index.js';
import { rowsOf } from './data-source.js';
import { positionIn, requestsIn, revisionIn, revisionsIn } from './past.js';
import type { BodyColumns } from './stored-row.js';
import { storedRows } from './stored-row.js';

/** Objects as they stood at $1: each one's own row where that is old enough, otherwise its newest revision by then. */
const THEN = `
  from object o cross join lateral (
    select o.sequence, o.encoding, o.body, o.deleted where o.sequence <= $1
    union all
    (select r.sequence, r.encoding, r.body, r.type = 'Deleted' from revision r
      where o.sequence > $1 and r.api_group = o.api_group and r.resource = o.resource and r.namespace = o.namespace
        and r.name = o.name and r.sequence <= $1
      order by r.sequence desc limit 1)
  ) v
  where not v.deleted and o.api_group = $2 and o.resource = $3`;
const AT = `select o.api_group, o.resource, o.namespace, o.name, v.sequence, v.encoding, v.body ${THEN}`;

const GET_AT = { name: 'get-at', text: `${AT} and o.namespace = $4 and o.name = $5` };
const LIST_ALL_AT = {
  name: 'list-all-at',
  text: `${AT} and (o.namespace, o.name) > ($4, $5) order by o.namespace, o.name limit $6`,
};
const LIST_NAMESPACE_AT = { name: 'list-namespace-at', text: `${AT} and o.namespace = $4 and o.name > $5 order by o.name limit $6` };
const COUNT_ALL_AT = { name: 'count-all-at', text: `select count(*) ${THEN} and (o.namespace, o.name) > ($4, $5)` };
const COUNT_NAMESPACE_AT = { name: 'count-namespace-at', text: `select count(*) ${THEN} and o.namespace = $4 and o.name > $5` };
const CHECKPOINT = { name: 'checkpoint', text: 'select sequence from checkpoint where stream = $1' };
const TIME = {
  name: 'time-of',
  text: 'select extract(epoch from time) * 1000 as ms from revision where stream = $1 and sequence = $2',
};

const TIME_BY = {
  name: 'time-by',
  text: `select extract(epoch from time) * 1000 as ms from revision where stream = $1 and sequence <= $2
    order by sequence desc limit 1`,
};

const SHORTEST_POLL_MS = 2;
const LONGEST_POLL_MS = 50;

interface Waiter {
  readonly sequence: Sequence;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Reads of the projection, of now and of any moment before. Secrets are opened with `opener`. */
export class PostgresHistory implements PastReader {
  private readonly waiting: Readonly<Record<StreamName, Set<Waiter>>> = { state: new Set(), lease: new Set(), event: new Set() };

  private readonly polled = new Set<StreamName>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly opener: Opener,
  ) {}

  /** One loop asks for all who wait; nobody asks while nobody waits. */
  reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => waiter.reject(signal?.reason);
      const settled = (): void => {
        waiting.delete(waiter);
        signal?.removeEventListener('abort', abort);
      };
      const waiting = this.waiting[stream];
      const waiter: Waiter = {
        sequence,
        resolve: () => (settled(), resolve()),
        reject: (error) => (settled(), reject(error)),
      };
      signal?.addEventListener('abort', abort);
      waiting.add(waiter);
      if (!this.polled.has(stream)) void this.poll(stream);
    });
  }

  async getAt(resource: GroupVersionResource, namespace: string, name: string, at: Sequence): Promise<StoredRow | undefined> {
    const records = await rowsOf<BodyColumns>(this.dataSource, GET_AT, [at, resource.group, resource.resource, namespace, name]);
    return (await storedRows(records, this.opener))[0];
  }

  async listAt(
    resource: GroupVersionResource,
    namespace: string | undefined,
    at: Sequence,
    page?: { readonly limit: number; readonly after?: { readonly namespace: string; readonly name: string } },
  ): Promise<readonly StoredRow[]> {
    const { group, resource: plural } = resource;
    const after = page?.after ?? { namespace: '', name: '' };
    const limit = page?.limit ?? null;
    const records =
      namespace === undefined
        ? await rowsOf<BodyColumns>(this.dataSource, LIST_ALL_AT, [at, group, plural, after.namespace, after.name, limit])
        : await rowsOf<BodyColumns>(this.dataSource, LIST_NAMESPACE_AT, [at, group, plural, namespace, after.name, limit]);
    return storedRows(records, this.opener);
  }

  async countAt(
    { group, resource }: GroupVersionResource,
    namespace: string | undefined,
    at: Sequence,
    after: { readonly namespace: string; readonly name: string },
  ): Promise<number> {
    const statement = namespace === undefined ? COUNT_ALL_AT : COUNT_NAMESPACE_AT;
    const values = [at, group, resource, namespace ?? after.namespace, after.name];
    const [row] = await rowsOf<{ count: string }>(this.dataSource, statement, values);
    return Number(row?.count ?? 0);
  }

  async position(stream: StreamName): Promise<Sequence> {
    const [row] = await rowsOf<{ sequence: string }>(this.dataSource, CHECKPOINT, [stream]);
    return Number(row?.sequence ?? 0);
  }

  async timeOf(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    const [row] = await rowsOf<{ ms: string }>(this.dataSource, TIME, [stream, sequence]);
    return row && Math.round(Number(row.ms));
  }

  async timeBy(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    const [row] = await rowsOf<{ ms: string }>(this.dataSource, TIME_BY, [stream, sequence]);
    return row && Math.round(Number(row.ms));
  }

  positionBy(time: Instant): Promise<Position> {
    return positionIn(this.dataSource, time);
  }

  revision(stream: StreamName, sequence: Sequence, withBefore = false): Promise<StoredRevision | undefined> {
    return revisionIn(this.dataSource, this.opener, stream, sequence, withBefore);
  }

  revisions(query: RevisionQuery): Promise<readonly StoredRevision[]> {
    return revisionsIn(this.dataSource, this.opener, query);
  }

  requests(query: RequestQuery): Promise<readonly StoredRequest[]> {
    return requestsIn(this.dataSource, query);
  }

  /** Asks for the checkpoint, less and less often, until nobody waits. A failure is everybody's. */
  private async poll(stream: StreamName): Promise<void> {
    const waiting = this.waiting[stream];
    this.polled.add(stream);
    for (let ms = SHORTEST_POLL_MS; waiting.size > 0; ms = Math.min(ms * 2, LONGEST_POLL_MS)) {
      try {
        const position = await this.position(stream);
        for (const waiter of [...waiting]) if (waiter.sequence <= position) waiter.resolve();
      } catch (error) {
        for (const waiter of [...waiting]) waiter.reject(error);
      }
      if (waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    }
    this.polled.delete(stream);
  }
}
