import type { DataSource } from 'typeorm';
import type { AppendWrite, Appended, EventLog, EventMeta, Guard, ReadBatch, ReadOptions, Recorded, Sequence, StreamName } from '#libs/log';
import { parseSubject, SequenceArchived, subjectOf } from '#libs/log';
import { subjectMatches } from '../jetstream/reader.js';
import { rowsOf } from './data-source.js';
import type { BodyColumns } from './stored-row.js';

/** Events of `state` between two sequences, of one kind or of all. */
const EVENTS = {
  name: 'events-between',
  text: `select api_group, resource, namespace, name, sequence, encoding, body, meta, extract(epoch from time) * 1000 as ms
           from revision
          where stream = 'state' and sequence > $1 and sequence <= $2 and ($3::text is null or (api_group = $3 and resource = $4))
          order by sequence limit $5`,
};
const CHECKPOINT = { name: 'checkpoint', text: 'select sequence from checkpoint where stream = $1' };
const PAGE = 500;

interface EventColumns extends BodyColumns {
  readonly meta: EventMeta;
  readonly ms: string;
}

/**
 * A log of which a part may have been archived, read on from the projection, which keeps its rows. For those who show the past, not for
 * those who check it: of an event it gives what the projection made of it, and no digest.
 */
export class ProjectedLog implements EventLog {
  constructor(
    private readonly log: EventLog,
    private readonly dataSource: DataSource,
    private readonly cluster: string,
  ) {}

  append(stream: StreamName, writes: readonly AppendWrite[], guards?: readonly Guard[]): Promise<Appended> {
    return this.log.append(stream, writes, guards);
  }

  async *read(stream: StreamName, after: Sequence, options: ReadOptions = {}): AsyncGenerator<ReadBatch> {
    const { until = Infinity, signal } = options;
    for (let at = after; ;) {
      try {
        for await (const batch of this.log.read(stream, at, options)) {
          at = batch.through;
          yield batch;
        }
        return;
      } catch (error) {
        if (!(error instanceof SequenceArchived) || options.digests === true) throw error;
        if (error.through <= at) throw error;
        await this.mustHold(error);
        for await (const batch of this.past(at, Math.min(error.through, until), options)) {
          at = batch.through;
          yield batch;
        }
        if (signal?.aborted === true || at >= until) return;
      }
    }
  }

  last(stream: StreamName): Promise<Sequence> {
    return this.log.last(stream);
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.log.lastOf(stream, subject);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  private async mustHold({ message, through }: SequenceArchived): Promise<void> {
    const [row] = await rowsOf<{ sequence: string }>(this.dataSource, CHECKPOINT, ['state']);
    const projected = Number(row?.sequence ?? 0);
    if (projected >= through) return;
    throw new SequenceArchived(
      `${message}; the projection stands at state:${projected}: \`decklog rebuild\` builds it anew, with what was archived`,
      through,
    );
  }

  private async *past(after: Sequence, until: Sequence, { subjects, signal }: ReadOptions): AsyncGenerator<ReadBatch> {
    const kind = kindOf(subjects);
    for (let at = after; at < until && signal?.aborted !== true;) {
      const rows = await rowsOf<EventColumns>(this.dataSource, EVENTS, [at, until, kind?.group ?? null, kind?.resource ?? null, PAGE]);
      const events = rows.map((row) => eventOf(this.cluster, row));
      at = rows.length < PAGE ? until : (events.at(-1)?.sequence ?? until);
      yield {
        events: events.filter(({ subject }) => subjects?.some((pattern) => subjectMatches(pattern, subject)) !== false),
        through: at,
      };
    }
  }
}

/** The one kind that all the subjects are of, if they are. */
function kindOf(subjects: readonly string[] | undefined): { readonly group: string; readonly resource: string } | undefined {
  const [subject, ...more] = subjects ?? [];
  const parts = subject === undefined || more.length > 0 ? undefined : parseSubject(subject);
  return parts === undefined || parts.group === '*' || parts.resource === '*' ? undefined : parts;
}

function eventOf(
  cluster: string,
  { api_group: group, resource, namespace, name, sequence, encoding, body, meta, ms }: EventColumns,
): Recorded {
  return {
    stream: 'state',
    sequence: Number(sequence),
    subject: subjectOf(cluster, 'state', { group, resource }, namespace, name),
    time: Math.round(Number(ms)),
    meta,
    body: new Uint8Array(Buffer.from(body, encoding === 'json' ? 'utf8' : 'base64')),
  };
}
