import type { EventLog, Recorded, Sequence, StreamName } from '#libs/log';
import { CHAIN_START } from '#libs/log';
import { chainOf } from '../digest.js';
import type { Session } from './data-source.js';

/** Where a stream's projection stands: the sequence it has counted, and the chain at its newest event. */
export interface Head {
  readonly sequence: Sequence;
  readonly chain: Uint8Array;
}

/** An event's own hash and the chain at it. */
export interface Link {
  readonly digest: Uint8Array;
  readonly chain: Uint8Array;
}

/** The links of events that follow each other, the first one after `chain`. Throws TypeError for events that were read without digests. */
export function linksOf(chain: Uint8Array, events: readonly Pick<Recorded, 'stream' | 'sequence' | 'digest'>[]): readonly Link[] {
  let at = chain;
  return events.map(({ stream, sequence, digest }) => {
    if (!digest) throw new TypeError(`event ${stream}:${sequence} was read without its digest`);
    at = chainOf(at, digest);
    return { digest, chain: at };
  });
}

/** Where a stream's projection stands, and whether all of its rows that can have a chain do. */
export async function headOf(session: Session, stream: StreamName): Promise<Head & { readonly chained: boolean }> {
  const { rows } = await session.query<{ sequence: string; chained: boolean; chain: Buffer | null }>(
    `select c.sequence, c.chained, (select r.chain from revision r
        where r.stream = c.stream and r.sequence <= c.sequence and r.chain is not null order by r.sequence desc limit 1) as chain
       from checkpoint c where c.stream = $1`,
    [stream],
  );
  const { sequence = '0', chained = true, chain = null } = rows[0] ?? {};
  return { sequence: Number(sequence), chain: chain ?? CHAIN_START, chained };
}

/** Rows of one statement. */
const ROWS = 500;

const STATEMENT = {
  name: 'chain-batch',
  text: `update revision r set digest = row.digest, chain = row.chain
           from unnest($2::bigint[], $3::bytea[], $4::bytea[]) as row (sequence, digest, chain)
          where r.stream = $1 and r.sequence = row.sequence`,
};

/**
 * Gives the rows of an older build their chain, from the log, a batch at a time; taken up again where it was cut off. Rows whose
 * message a stream has forgotten stay without.
 */
export async function chainRows(log: EventLog, session: Session, stream: StreamName, signal: AbortSignal): Promise<void> {
  const { sequence: until } = await headOf(session, stream);
  const { rows } = await session.query<{ after: string; chain: Buffer | null }>(
    `select sequence as after, chain from revision where stream = $1 and chain is not null and sequence <= $2
      order by sequence desc limit 1`,
    [stream, until],
  );
  let chain: Uint8Array = rows[0]?.chain ?? CHAIN_START;
  for await (const { events } of log.read(stream, Number(rows[0]?.after ?? 0), { until, digests: true, signal })) {
    for (let i = 0; i < events.length; i += ROWS) {
      const piece = events.slice(i, i + ROWS);
      const links = linksOf(chain, piece);
      const values = [stream, piece.map(({ sequence }) => sequence), links.map(({ digest }) => digest), links.map((link) => link.chain)];
      await session.query({ ...STATEMENT, values });
      chain = links.at(-1)?.chain ?? chain;
    }
  }
  if (!signal.aborted) await session.query('update checkpoint set chained = true where stream = $1', [stream]);
}
