import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import { ORIGIN, parseSubject, STREAMS, type EventLog, type Position, type Sequence, type StreamName } from '#libs/log';
import type { HistoryReader, MomentReader, StoredRow } from '#libs/runtime';
import { eventsOf } from './events.js';

/** The history read from the log itself, event by event: slow, and right by construction. */
export class LogHistory implements MomentReader {
  constructor(private readonly log: EventLog) {}

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
    page?: Parameters<HistoryReader['listAt']>[3],
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

  async countAt(...[resource, namespace, at, after]: Parameters<HistoryReader['countAt']>): Promise<number> {
    return (await this.listAt(resource, namespace, at, { limit: Infinity, after })).length;
  }

  async timeOf(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    return (await eventsOf(this.log, stream)).find((event) => event.sequence === sequence)?.time;
  }

  async positionBy(time: Instant): Promise<Position> {
    let position = ORIGIN;
    for (const stream of STREAMS) {
      const newest = (await eventsOf(this.log, stream)).findLast((event) => event.time <= time);
      position = { ...position, [stream]: newest?.sequence ?? 0 };
    }
    return position;
  }

  async timeBy(stream: StreamName, sequence: Sequence): Promise<Instant | undefined> {
    return (await eventsOf(this.log, stream)).findLast((event) => event.sequence <= sequence)?.time;
  }
}
