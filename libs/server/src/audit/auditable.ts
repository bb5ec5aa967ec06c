import type { AuditEntry, AuditKind } from '#libs/log';
import type { User } from '../authorization/authorizer.js';
import type { Annotated } from '../call.js';
import type { RequestInfo } from '../request-info.js';

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection', 'post', 'put']);
const READS = new Set(['get', 'list', 'watch']);
const CONNECTIONS = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** Why a request is recorded; undefined: it is not, being a mutation that the log holds, or a read that tells nothing. */
export function auditKindOf(info: RequestInfo | undefined, user: User | undefined, code: number | undefined): AuditKind | undefined {
  if (code === 401 || code === 403) return 'denied';
  if (code !== undefined && code >= 500) return 'failed';
  if (info === undefined) return code !== undefined && code >= 400 ? 'failed' : undefined;
  if (code !== undefined && code >= 400 && WRITES.has(info.verb)) return 'failed';
  if (info.resourceRequest && CONNECTIONS.has(info.subresource)) return 'connect';
  if (info.group === '' && info.resource === 'secrets' && READS.has(info.verb)) return 'secret';
  if (info.group === '' && info.resource === 'serviceaccounts' && info.subresource === 'token') return 'token';
  return user?.impersonator === undefined ? undefined : 'impersonation';
}

/** What is known of a request besides its place. */
export interface AuditedRequest {
  readonly time: number;
  readonly id: string;
  readonly user: User | undefined;
  readonly source: string | undefined;
  readonly agent: string | undefined;
  readonly info: RequestInfo | undefined;
  /** The moment that was asked for, where it was not now. */
  readonly at?: string | undefined;
}

/** How it ended; absent while it is only beginning. */
export interface AuditedEnd {
  readonly code: number;
  readonly reason: string | undefined;
  readonly latencyMs: number;
  /** What admission said for the record; absent: nothing. */
  readonly annotated?: Annotated;
}

/** So much of all annotations of a request: that a full batch of entries fits into one message of the stream. */
const MAX_ANNOTATIONS = 4_096;
const MAX_TEXT = 256;
const MAX_GROUPS = 32;
const short = (text: string): string => (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`);
const shown = <Key extends string>(key: Key, text: string | undefined): Partial<Record<Key, string>> =>
  text === undefined || text === '' ? {} : ({ [key]: short(text) } as Record<Key, string>);

/** As much of the annotations as an entry has room for. */
function bounded(annotations: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const kept: [string, string][] = [];
  let room = MAX_ANNOTATIONS;
  for (const [key, value] of annotations) {
    room -= Math.min(key.length, MAX_TEXT);
    if (room <= 0) break;
    kept.push([short(key), value.length <= room ? value : `${value.slice(0, room)}...`]);
    room -= value.length;
  }
  return Object.fromEntries(kept);
}

/** Names the moment in an entry of a request for the past. */
const AT = 'decklog.dev/at';

function remarks({ annotated, at }: { readonly annotated?: Annotated | undefined; readonly at?: string | undefined }): Partial<AuditEntry> {
  const annotations = [...(at === undefined ? [] : [[AT, short(at)] as const]), ...(annotated?.annotations ?? [])];
  return {
    ...(annotations.length === 0 && annotated === undefined ? {} : { annotations: bounded(new Map(annotations)) }),
    ...shown('event', annotated?.event),
  };
}

/** A request as an entry: bounded, and without anything that it or its answer carried. */
export function auditEntryOf(kind: AuditKind, request: AuditedRequest, end: AuditedEnd | undefined): AuditEntry {
  const { time, id, user, source, agent, info, at } = request;
  const place =
    info?.resourceRequest === true
      ? {
          group: short(info.group),
          resource: short(info.resource),
          ...shown('subresource', info.subresource),
          ...shown('namespace', info.namespace),
          ...shown('name', info.name),
        }
      : shown('path', info?.path);
  return {
    kind,
    time,
    id,
    user: short(user?.name ?? ''),
    ...(user === undefined ? {} : { groups: user.groups.slice(0, MAX_GROUPS).map(short) }),
    ...shown('impersonator', user?.impersonator),
    ...shown('source', source),
    ...shown('agent', agent),
    verb: short(info?.verb ?? ''),
    ...place,
    ...(end === undefined ? {} : { code: end.code, ...shown('reason', end.reason), latencyMs: end.latencyMs }),
    ...remarks({ annotated: end?.annotated, at }),
  };
}

/** Whether nobody in particular asked: such entries are cheap to cause, so few of them are kept. */
export const isAnonymous = (user: User | undefined): boolean => user === undefined || user.groups.includes('system:unauthenticated');
