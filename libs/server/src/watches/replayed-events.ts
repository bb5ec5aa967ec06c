import type { KubeObject } from '#libs/apimachinery';
import { decodeObject, parseSubject, type Recorded, type Sequence } from '#libs/log';
import type { CacheEvent, Entry, HistoryReader } from '#libs/runtime';
import type { Selection } from '../reads/selection.js';
import type { ServedResource } from '../served-resource.js';

/** Objects remembered as they were last seen, and the bytes of all their bodies: what is forgotten is asked of the history. */
const MOST_SEEN = 4_096;
const MOST_SEEN_BYTES = 16 * 1024 * 1024;

/** Events of a log as a cache would have applied them: each with what it replaced, as far as a selection needs to know that. */
export class ReplayedEvents {
  private readonly seen = new Map<string, Entry>();
  private seenBytes = 0;

  constructor(
    private readonly history: HistoryReader,
    private readonly served: ServedResource,
    private readonly selection: Selection,
  ) {}

  /** The event; undefined where it is no object's. Events must come in order. */
  async eventOf({ subject, stream, sequence, meta, body }: Recorded): Promise<CacheEvent | undefined> {
    const parts = parseSubject(subject);
    if (parts === undefined) return undefined;
    const { namespace, name } = parts;
    const resource = this.served.stored;
    const entry = entryOf(resource, namespace, name, sequence, body);
    // Without a selector every object matched before; what it looked like then is of no interest.
    if (this.selection.matches === undefined) {
      return { stream, sequence, type: meta.type, resource, meta, entry, old: meta.type === 'Updated' ? entry : undefined };
    }
    let old = meta.type === 'Created' ? undefined : this.seen.get(subject);
    if (old === undefined && meta.type !== 'Created') {
      const row = await this.history.getAt(resource, namespace, name, sequence - 1);
      if (row !== undefined) old = entryOf(resource, namespace, name, row.sequence, row.body);
    }
    this.forget(subject);
    if (meta.type !== 'Deleted') this.remember(subject, entry);
    return { stream, sequence, type: meta.type, resource, meta, entry, old };
  }

  private remember(subject: string, entry: Entry): void {
    this.seen.set(subject, entry);
    this.seenBytes += entry.body.length;
    for (const oldest of this.seen.keys()) {
      if (this.seen.size <= MOST_SEEN && this.seenBytes <= MOST_SEEN_BYTES) return;
      this.forget(oldest);
    }
  }

  private forget(subject: string): void {
    this.seenBytes -= this.seen.get(subject)?.body.length ?? 0;
    this.seen.delete(subject);
  }
}

function entryOf(resource: Entry['resource'], namespace: string, name: string, sequence: Sequence, body: Uint8Array): Entry {
  let parsed: KubeObject | undefined;
  return {
    resource,
    namespace,
    name,
    sequence,
    body,
    get object() {
      return (parsed ??= decodeObject(body, sequence));
    },
  };
}
