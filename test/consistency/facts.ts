import { connectLog } from '#libs/adapters';
import { decodeObject, parseSubject, type Recorded } from '#libs/log';
import { KIND_NAMES, KINDS, NAMESPACE, type KindName } from './kinds.js';
import type { LogEvent } from './seen.js';

/** Where the log of a cluster is. */
export interface LogPlace {
  readonly url: string;
  readonly cluster: string;
}

const TYPES = { Created: 'ADDED', Updated: 'MODIFIED', Deleted: 'DELETED' } as const;

/** An event of the log as watchers see it; undefined for objects that nobody watches. */
function factOf({ subject, sequence, meta, body }: Recorded): LogEvent | undefined {
  const parts = parseSubject(subject);
  const kind = KIND_NAMES.find((name): name is KindName => name === parts?.resource && KINDS[name].group === parts.group);
  if (!kind || !parts || parts.namespace !== NAMESPACE) return undefined;
  const object = decodeObject(body, sequence);
  const leaving = object.metadata.deletionTimestamp === undefined ? {} : { leaving: true };
  const content = KINDS[kind].contentOf(object);
  return { version: sequence, kind, object: parts.name, type: TYPES[meta.type], content, ...leaving, by: meta.agent ?? '' };
}

/** Every event of the kinds that are watched, in the log's order; of transactions it says where they begin and end. */
export async function factsOf({ url, cluster }: LogPlace): Promise<readonly LogEvent[]> {
  const log = await connectLog({ url, cluster, name: 'consistency', replicas: url.split(',').length });
  try {
    const facts: LogEvent[] = [];
    for await (const { events } of log.read('state', 0, { until: await log.last('state') })) {
      for (const event of events) {
        const fact = factOf(event);
        if (fact) facts.push(fact);
      }
    }
    return withTransactions(facts);
  } finally {
    await log.close();
  }
}

/** Events that one request made of several objects stand side by side. */
function withTransactions(facts: readonly LogEvent[]): readonly LogEvent[] {
  const spans = new Map<string, { first: number; last: number }>();
  for (const { by, version } of facts) {
    if (!by.startsWith('consistency-')) continue;
    const span = spans.get(by) ?? { first: version, last: version };
    span.last = version;
    spans.set(by, span);
  }
  return facts.map((fact) => {
    const batch = spans.get(fact.by);
    return batch && batch.last > batch.first ? { ...fact, batch } : fact;
  });
}
