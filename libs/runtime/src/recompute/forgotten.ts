import { qualifiedResource, type GroupVersionResource } from '#libs/apimachinery';
import { decodeObject, parseSubject, type EventLog, type Position, type Sequence, type StreamName } from '#libs/log';

/** Streams that forget: by a number of messages, or by age. */
const FORGETTING: readonly StreamName[] = ['lease', 'event'];

interface Gap {
  readonly stream: StreamName;
  readonly namespace: string;
  readonly name: string;
  /** From here on it is known. */
  readonly from: Sequence;
  readonly owners: ReadonlySet<string>;
}

/** The objects of which a log no longer tells how they began, and from where on it tells of each. */
export class Forgotten {
  readonly #gaps = new Map<string, Map<string, Gap>>();

  private constructor() {}

  /** Reads the streams that forget, up to a position. */
  static async of(log: EventLog, until: Position): Promise<Forgotten> {
    const forgotten = new Forgotten();
    for (const stream of FORGETTING) {
      const met = new Set<string>();
      if (until[stream] === 0) continue;
      for await (const { events } of log.read(stream, 0, { until: until[stream] })) {
        for (const { subject, sequence, meta, body } of events) {
          if (met.has(subject)) continue;
          met.add(subject);
          const place = parseSubject(subject);
          if (meta.previous === 0 || !place) continue;
          const owners = new Set((decodeObject(body, sequence).metadata.ownerReferences ?? []).map(({ uid }) => uid));
          const table = forgotten.#gaps.get(qualifiedResource(place)) ?? new Map<string, Gap>();
          const { namespace, name } = place;
          forgotten.#gaps.set(
            qualifiedResource(place),
            table.set(`${namespace}/${name}`, { stream, namespace, name, from: sequence, owners }),
          );
        }
      }
    }
    return forgotten;
  }

  /** Whether it is not known what the object was at a position, or that there was none. */
  object(resource: GroupVersionResource, namespace: string | undefined, name: string, at: Position): boolean {
    const gap = this.#gaps.get(qualifiedResource(resource))?.get(`${namespace ?? ''}/${name}`);
    return gap !== undefined && at[gap.stream] < gap.from;
  }

  /** Whether one of the objects that such a list might hold is not known at a position. */
  list(resource: GroupVersionResource, namespace: string | undefined, at: Position): boolean {
    for (const gap of this.#gaps.get(qualifiedResource(resource))?.values() ?? []) {
      if (at[gap.stream] < gap.from && (namespace === undefined || gap.namespace === namespace)) return true;
    }
    return false;
  }

  /** The resource of a dependent that is not known at a position. */
  dependent(uid: string, at: Position): string | undefined {
    for (const [resource, table] of this.#gaps) {
      for (const gap of table.values()) if (at[gap.stream] < gap.from && gap.owners.has(uid)) return resource;
    }
    return undefined;
  }
}
