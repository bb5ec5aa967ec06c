import type { AuditEntry } from '#libs/log';
import type { Cluster } from './cluster.js';
import { Failure, messageOf } from './failure.js';
import { printable } from './history/text.js';
import { natsUrlOf, requireLog } from './nats.js';
import type { Folders } from './profile.js';
import { secretsOf } from './profile.js';

/** Which entries of the audit stream are wanted. What is absent matches all. */
export interface AuditQuery {
  /** Not before this moment. */
  readonly since?: number;
  readonly user?: string;
  readonly namespace?: string;
  readonly resource?: string;
  readonly kind?: string;
  readonly follow: boolean;
}

/** Whether an entry is wanted. A user is found as who asked and as who really asked. */
export const wantedEntry = (entry: AuditEntry, { since, user, namespace, resource, kind }: AuditQuery): boolean =>
  (since === undefined || entry.time >= since) &&
  (user === undefined || entry.user === user || entry.impersonator === user) &&
  (namespace === undefined || entry.namespace === namespace) &&
  (resource === undefined || entry.resource === resource) &&
  (kind === undefined || entry.kind === kind);

/** What an entry was about: `secrets/db` in a namespace, or a path. */
function target({ resource, subresource, name, namespace, path }: AuditEntry): string {
  if (resource === undefined) return path ?? '-';
  const parts = [resource, ...(name === undefined ? [] : [name]), ...(subresource === undefined ? [] : [subresource])];
  return `${namespace === undefined ? '' : `${namespace}:`}${parts.join('/')}`;
}

const who = ({ user, impersonator }: AuditEntry): string =>
  `${user === '' ? '-' : user}${impersonator === undefined ? '' : ` (by ${impersonator})`}`;

/** One entry as a line of text. */
export function auditLine(entry: AuditEntry): string {
  const { time, kind, verb, code, reason, source, count, event, annotations = {} } = entry;
  const end = code === undefined ? 'began' : `${code}${reason === undefined ? '' : ` ${reason}`}`;
  const many = count === undefined ? '' : `  (${count} alike)`;
  const notes = [...(event === undefined ? [] : [event]), ...Object.entries(annotations).map(([key, value]) => `${key}=${value}`)];
  return printable(
    `${new Date(time).toISOString()}  ${kind}  ${who(entry)}  ${verb} ${target(entry)}  ${end}  ${source ?? '-'}${many}${notes.map((note) => `  ${note}`).join('')}`,
  );
}

/** Prints the wanted entries, oldest first: one line each, or one JSON object each. */
export async function printAudit(
  cluster: Cluster,
  folders: Folders,
  query: AuditQuery,
  write: (text: string) => void,
  format: string,
  signal: AbortSignal,
): Promise<void> {
  requireLog(cluster, folders);
  // Loaded here: the drivers are slow to load, and few other commands need them.
  const { connectAudit } = await import('#libs/adapters');
  const url = natsUrlOf(cluster, await secretsOf(folders));
  const stream = await connectAudit({ url, cluster: cluster.id, name: 'decklog-audit-reader', readOnly: true });
  try {
    // Entries are stored a little after their time, never before.
    const from = query.since === undefined ? {} : { since: query.since };
    for await (const { entries } of stream.read({ ...from, follow: query.follow, signal })) {
      for (const entry of entries) {
        if (wantedEntry(entry, query)) write(`${format === 'json' ? JSON.stringify(entry) : auditLine(entry)}\n`);
      }
    }
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`the audit stream can't be read: ${messageOf(error)}`, [], 1, { cause: error });
  } finally {
    await stream.close();
  }
}
