import { ORIGIN, parseSubject, STREAMS, type Position, type ReadBatch, type Recorded, type Sequence, type StreamName } from '#libs/log';
import { objectRowKey, projectBatch, supersedes, type ObjectRow } from '#libs/projections';
import type { SnapshotSource, StoredRow } from '#libs/runtime';
import type { Link } from './link.js';
import type { SimulatedProcess } from './process.js';
import type { Violation } from './witness.js';

/** The projection's tables in memory: rows and checkpoint change together, and only from where a projector believes that they stand. */
export class SimulatedProjection {
  readonly objects = new Map<string, ObjectRow>();
  #position: Position = ORIGIN;

  get position(): Position {
    return this.#position;
  }

  /** False where another projector was faster: nothing is changed then. */
  apply(stream: StreamName, from: Sequence, events: readonly Recorded[], through: Sequence): boolean {
    if (this.#position[stream] !== from) return false;
    for (const { object, newest } of projectBatch(events)) {
      const key = objectRowKey(object);
      if (newest && supersedes(object, this.objects.get(key))) this.objects.set(key, object);
    }
    this.#position = { ...this.#position, [stream]: through };
    return true;
  }

  /** Its objects at its checkpoint. */
  get rows(): readonly StoredRow[] {
    return [...this.objects.values()]
      .filter(({ deleted }) => !deleted)
      .map(({ group, resource, ...row }) => ({ ...row, resource: { group, resource } }));
  }

  /** As a process across the network reads it. */
  source(process: SimulatedProcess, delayMs: () => number): SnapshotSource {
    return {
      snapshot: async () => {
        await process.wait(delayMs());
        const read = { position: this.#position, rows: this.rows };
        await process.wait(delayMs());
        return read;
      },
    };
  }
}

/** What is wrong with the rows of these events, which were just projected. */
export function misprojected({ objects }: SimulatedProjection, events: readonly Recorded[]): Violation | undefined {
  const last = new Map(events.map((event) => [event.subject, event]));
  for (const { subject, sequence, meta, body } of last.values()) {
    const parts = parseSubject(subject);
    const row = parts && objects.get(objectRowKey(parts));
    if (row?.sequence === sequence && row.body === body && row.deleted === (meta.type === 'Deleted')) continue;
    return { invariant: 'the projection equals the fold of the log', says: `${subject} is at ${row?.sequence ?? 0}, not at ${sequence}` };
  }
  return undefined;
}

/** What a projector works with. */
export interface ProjectorOptions {
  readonly process: SimulatedProcess;
  readonly link: Link;
  readonly projection: SimulatedProjection;
  readonly delayMs: () => number;
  readonly onApplied: (stream: StreamName, from: Sequence, through: Sequence) => void;
}

const TRY_AGAIN_MS = 1_000;

/** Brings what of a batch lies behind the checkpoint into the projection; what it has already changes nothing. */
async function bring({ process, projection, delayMs, onApplied }: ProjectorOptions, stream: StreamName, batch: ReadBatch): Promise<void> {
  const from = projection.position[stream];
  const events = batch.events.filter(({ sequence }) => sequence > from);
  await process.wait(delayMs());
  if (batch.through <= from) return;
  if (!projection.apply(stream, from, events, batch.through)) throw new Error('another projector was faster');
  onApplied(stream, from, batch.through);
}

/** Follows all streams from the projection's checkpoint on, and begins there again whenever something fails. */
export function startProjector(options: ProjectorOptions): void {
  const { process, link, projection } = options;
  const follow = async (stream: StreamName): Promise<never> => {
    for (;;) {
      try {
        for await (const batch of link.read(stream, projection.position[stream])) await bring(options, stream, batch);
      } catch {
        await process.wait(TRY_AGAIN_MS);
      }
    }
  };
  for (const stream of STREAMS) void follow(stream);
}
