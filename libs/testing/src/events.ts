import type { KubeObject } from '#libs/apimachinery';
import type { AppendWrite, EventLog, EventMeta, Recorded, Sequence, StreamName } from '#libs/log';
import { encodeObject, SCHEMA, subjectOf } from '#libs/log';

let drawn = 0;

/** Metadata of an event that nobody in particular caused; its `id` is new at each call. */
export const metaOf = (meta: Partial<EventMeta> = {}): EventMeta => ({
  type: 'Created',
  verb: 'create',
  actor: { user: 'tester', groups: ['system:authenticated'] },
  id: `id-${++drawn}-${Math.random().toString(36).slice(2)}`,
  previous: 0,
  schema: SCHEMA,
  encoding: 'json',
  ...meta,
});

/** A config map with one entry, as stored. */
export const configMap = (name: string, value = 'x', namespace = 'default'): KubeObject & { readonly data: Record<string, string> } => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, namespace, uid: `uid-of-${name}` },
  data: { value },
});

/** A write of a config map in cluster `cluster`: created where nothing is expected, otherwise updated. */
export const configMapWrite = (
  cluster: string,
  name: string,
  expected: Sequence = 0,
  value = 'x',
  meta: Partial<EventMeta> = {},
): AppendWrite => ({
  subject: subjectOf(cluster, 'state', { group: '', resource: 'configmaps' }, 'default', name),
  expected,
  meta: metaOf({ type: expected === 0 ? 'Created' : 'Updated', verb: expected === 0 ? 'create' : 'update', previous: expected, ...meta }),
  body: encodeObject(configMap(name, value)),
});

/** Every event of a stream up to a sequence (absent: to its end now). */
export async function eventsOf(log: EventLog, stream: StreamName = 'state', until?: Sequence): Promise<Recorded[]> {
  const events: Recorded[] = [];
  for await (const batch of log.read(stream, 0, { until: until ?? (await log.last(stream)) })) events.push(...batch.events);
  return events;
}

/** The sequences of an append that must succeed; fails with what moved otherwise. */
export async function appended(log: EventLog, ...parameters: Parameters<EventLog['append']>): Promise<readonly Sequence[]> {
  const result = await log.append(...parameters);
  if ('moved' in result) throw new Error(`moved: ${JSON.stringify(result.moved)}`);
  return result.sequences;
}
