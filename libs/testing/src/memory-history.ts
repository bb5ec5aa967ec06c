import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import { decodeObject, parseSubject, STREAMS, type AuditStream, type EventLog, type Position, type Recorded } from '#libs/log';
import { ORIGIN, type AuditEntry, type Sequence, type StreamName } from '#libs/log';
import type { PastReader, RequestQuery, RevisionQuery, StoredRequest, StoredRevision, StoredRow } from '#libs/runtime';
import { eventsOf } from './events.js';

/** Where an event comes in the order of revisions: by time, then stream, then sequence. */
const later = (a: readonly (number | string)[], b: readonly (number | string)[]): number => {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at === -1 ? 0 : (a[at] ?? 0) > (b[at] ?? 0) ? 1 : -1;
};
const placeOf = ({ time, stream, sequence }: { time: Instant; stream: StreamName; sequence: Sequence }) => [time, stream, sequence];

/** Whether what a query names is what a record says: what is absent matches all. */
const agrees = (wanted: object, found: object): boolean =>
  Object.entries(wanted).every(([key, value]) => value === undefined || value === (found as Readonly<Record<string, unknown>>)[key]);
const within = ({ since = -Infinity, until = Infinity }: Pick<RevisionQuery, 'since' | 'until'>, time: Instant): boolean =>
  time >= since && time <= until;

/** The history read from the log itself, event by event: slow, and right by construction. */
export class LogHistory implements PastReader {
  constructor(
    private readonly log: EventLog,
    private readonly audit?: AuditStream,
  ) {}

  async reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void> {
    const last = await this.log.last(stream);
    if (last >= sequence) return;
    for await (const { through } of this.log.read(stream, last, { until: sequence, ...(signal ? { signal } : {}) })) {
      if (through >= sequence) return;
    }
    signal?.throwIfAborted();
    throw new Error(`the log closed before it held ${sequence}`);
  }

  position(stream: StreamName): Promise<Sequence> {
    return this.log.last(stream);
  }

  async getAt(resource: GroupVersionResource, namespace: string, name: string, at: Sequence): Promise<StoredRow | undefined> {
    return (await this.listAt(resource, namespace, at)).find((row) => row.name === name);
  }

  async listAt(
    resource: GroupVersionResource,
    namespace: string | undefined,
    at: Sequence,
    page?: Parameters<PastReader['listAt']>[3],
  ): Promise<readonly StoredRow[]> {
    const rows = new Map<string, StoredRow>();
    for (const stream of ['state', 'lease', 'event'] as const) {
      for (const { subject, sequence, body, meta } of await eventsOf(this.log, stream)) {
        const parts = parseSubject(subject);
        if (sequence > at || parts?.group !== resource.group || parts.resource !== resource.resource) continue;
        if (namespace !== undefined && parts.namespace !== namespace) continue;
        if (meta.type === 'Deleted') rows.delete(subject);
        else rows.set(subject, { resource, namespace: parts.namespace, name: parts.name, sequence, body });
      }
    }
    const key = ({ namespace: place, name }: { namespace: string; name: string }): string => `${place}\u0000${name}`;
    const sorted = [...rows.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
    if (page === undefined) return sorted;
    const { after, limit } = page;
    return sorted.filter((row) => after === undefined || key(row) > key(after)).slice(0, limit);
  }

  async countAt(...[resource, namespace, at, after]: Parameters<PastReader['countAt']>): Promise<number> {
    return (await this.listAt(resource, namespace, at, { limit: Infinity, after })).length;
  }

  async timeOf(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    return (await eventsOf(this.log, stream)).find((event) => event.sequence === sequence)?.time;
  }

  async positionBy(time: Instant): Promise<Position> {
    let position = ORIGIN;
    for (const stream of STREAMS) {
      const found = (await eventsOf(this.log, stream)).filter((event) => event.time <= time);
      const newest = found.reduce<Recorded | undefined>(
        (best, event) => (best && later(placeOf(best), placeOf(event)) > 0 ? best : event),
        undefined,
      );
      position = { ...position, [stream]: newest?.sequence ?? 0 };
    }
    return position;
  }

  async timeBy(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    return (await eventsOf(this.log, stream)).findLast((event) => event.sequence <= sequence)?.time;
  }

  async revision(stream: StreamName, sequence: Sequence, withBefore = false): Promise<StoredRevision | undefined> {
    const found = (await this.all([stream])).find((event) => event.sequence === sequence);
    return found && trimmed(found, withBefore);
  }

  async revisions(query: RevisionQuery): Promise<readonly StoredRevision[]> {
    const { stream, group, resource, namespace, name, uid, actor, verb, root, causes, before, limit, withBefore = false } = query;
    const lone = group !== undefined && resource !== undefined && namespace !== undefined && name !== undefined;
    const order = (event: StoredRevision) => (lone ? [event.sequence] : placeOf(event));
    return (await this.all(stream === undefined ? STREAMS : [stream]))
      .filter((event) => agrees({ group, resource }, event.resource) && agrees({ namespace, name, uid }, event))
      .filter(({ meta, time }) => agrees({ actor, verb }, { ...meta, actor: meta.actor.user }) && within(query, time))
      .filter(({ meta: { cause } }) => causes === undefined || (cause !== undefined && causes.includes(cause)))
      .filter((event) => root === undefined || root === (event.meta.root ?? `${event.stream}:${event.sequence}`))
      .filter((event) => before === undefined || later(order(event), lone ? [before.sequence] : placeOf(before)) < 0)
      .sort((a, b) => later(order(b), order(a)))
      .slice(0, limit)
      .map((event) => trimmed(event, withBefore));
  }

  async requests(query: RequestQuery): Promise<readonly StoredRequest[]> {
    const { kind, user, verb, group, resource, namespace, name, before, limit } = query;
    const found: StoredRequest[] = [];
    for await (const { sequence, entries } of this.audit?.read() ?? []) {
      for (const [index, entry] of entries.entries()) found.push({ sequence, index, entry });
    }
    const order = ({ sequence, index, entry }: { sequence: number; index: number; entry: Pick<AuditEntry, 'time'> }) => [
      entry.time,
      sequence,
      index,
    ];
    return found
      .filter(({ entry }) => agrees({ kind, verb, group, resource, namespace, name }, entry) && within(query, entry.time))
      .filter(({ entry }) => user === undefined || user === entry.user || user === entry.impersonator)
      .filter((each) => before === undefined || later(order(each), order({ ...before, entry: before })) < 0)
      .sort((a, b) => later(order(b), order(a)))
      .slice(0, limit);
  }

  /** Every event of some streams, each with the same subject's before it. */
  private async all(streams: readonly StreamName[]): Promise<readonly StoredRevision[]> {
    const found: StoredRevision[] = [];
    for (const stream of streams) {
      const last = new Map<string, Recorded>();
      for (const event of await eventsOf(this.log, stream)) {
        const parts = parseSubject(event.subject);
        if (parts === undefined) continue;
        const { group, resource, namespace, name } = parts;
        const { sequence, body, meta, time } = event;
        const uid = decodeObject(body, sequence).metadata.uid ?? '';
        const old = last.get(event.subject);
        const before = old && { sequence: old.sequence, type: old.meta.type, body: old.body };
        found.push({
          stream,
          sequence,
          resource: { group, resource },
          namespace,
          name,
          uid,
          type: meta.type,
          time,
          meta,
          body,
          ...(before && { before }),
        });
        last.set(event.subject, event);
      }
    }
    return found;
  }
}

/** A revision without its `before`, unless that was asked for. */
function trimmed(revision: StoredRevision, withBefore: boolean): StoredRevision {
  const { before: _, ...rest } = revision;
  return withBefore ? revision : rest;
}
