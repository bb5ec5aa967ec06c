import { parseSubject, STREAMS, type Position, type Recorded } from '#libs/log';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { laidOut } from './table.js';

/** What an event is about, as `resource/namespace/name`. */
function about({ subject }: Recorded): string {
  const place = parseSubject(subject);
  const resource = place?.group ? `${place.resource}.${place.group}` : (place?.resource ?? '');
  return [resource, place?.namespace, place?.name].filter(Boolean).join('/');
}

const who = ({ meta }: Recorded): string => meta.decision?.controller ?? meta.agent ?? meta.actor.user;

function row(event: Recorded): readonly string[] {
  const { stream, sequence, meta } = event;
  const verb = meta.subresource === undefined ? meta.verb : `${meta.verb} ${meta.subresource}`;
  return [`${stream}:${sequence}`, meta.type, about(event), verb, who(event), meta.cause === undefined ? '' : `cause ${meta.cause}`];
}

/** The log after a position: what happened, who did it, and what made them. Leases are left out: they are renewed for ever. */
export async function eventLines(cluster: SimulatedCluster, after: Position): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const stream of STREAMS) {
    const until = await cluster.log.last(stream);
    if (stream === 'lease' || until <= after[stream]) continue;
    for await (const { events } of cluster.log.read(stream, after[stream], { until })) rows.push(...events.map(row));
  }
  return rows.length === 0 ? 'nothing happened' : laidOut(rows);
}
