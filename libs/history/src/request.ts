import { formatTime } from '#libs/apimachinery';
import type { AuditEntry, Sequence } from '#libs/log';
import { HISTORY_API_VERSION, type Activity } from './wire.js';

/** An entry of the audit stream by its place: the message, and its index in it. */
export interface PastRequest {
  readonly sequence: Sequence;
  readonly index: number;
  readonly entry: AuditEntry;
}

/** An entry of the audit stream as a line of the audit trail. */
export function activityOfRequest({ sequence, index, entry }: PastRequest): Activity {
  const { kind, time, id, user, groups, impersonator, source, agent, event, group = '', resource, namespace, name = '', ...rest } = entry;
  return {
    apiVersion: HISTORY_API_VERSION,
    kind: 'Activity',
    metadata: {
      name: `audit-${sequence}-${index}`,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: formatTime(time),
      resourceVersion: String(sequence),
    },
    category: kind,
    time: new Date(time).toISOString(),
    actor: { user, ...(groups === undefined ? {} : { groups }), ...(impersonator === undefined ? {} : { impersonator }) },
    ...(agent === undefined ? {} : { agent }),
    ...(source === undefined ? {} : { sourceAddress: source }),
    requestId: id,
    ...(resource === undefined ? {} : { object: { group, resource, ...(namespace === undefined ? {} : { namespace }), name } }),
    ...(event === undefined ? {} : { event }),
    ...rest,
  };
}
