import type { Instant } from '#libs/apimachinery';
import type { Sequence } from './event.js';

/** Why a request that is no event of the log is recorded all the same. */
export type AuditKind =
  /** 401 or 403. */
  | 'denied'
  /** A write that was refused, or anything the server failed at. */
  | 'failed'
  /** A Secret was read. */
  | 'secret'
  /** exec, attach, port-forward or proxy. */
  | 'connect'
  /** A token of a service account was made. */
  | 'token'
  /** Somebody acted as somebody else. */
  | 'impersonation'
  /** A write that admission has something to say of. */
  | 'annotated';

/**
 * One request, as the audit stream keeps it. Holds no body, no query and no message: values of Secrets never get there. What
 * annotations hold is for those to answer who configured admission.
 */
export interface AuditEntry {
  readonly kind: AuditKind;
  /** When the request came. */
  readonly time: Instant;
  /** The request's `Audit-Id`. */
  readonly id: string;
  readonly user: string;
  readonly groups?: readonly string[];
  /** Who really asked, where somebody acted as somebody else. */
  readonly impersonator?: string;
  readonly source?: string;
  readonly agent?: string;
  readonly verb: string;
  /** Of a request for no resource. */
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Absent where the request is only just beginning: it lasts as long as its client likes. */
  readonly code?: number;
  /** The reason of the Status it was refused with. */
  readonly reason?: string;
  readonly latencyMs?: number;
  /** What admission has to say for the record: the audit annotations of webhooks, policies and PodSecurity. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The event that the write became, as `stream:sequence`; absent where there is none. */
  readonly event?: string;
  /** How many requests this entry stands for, where there were too many alike to keep each. */
  readonly count?: number;
}

/** Entries as they were stored together. */
export interface AuditBatch {
  readonly sequence: Sequence;
  readonly entries: readonly AuditEntry[];
}

/** Which part of the audit stream to read. */
export interface AuditReadOptions {
  /** Leaves out what was stored before; absent: everything there is. */
  readonly since?: Instant;
  /** Leaves out batches up to and including this one. Not together with `since`. */
  readonly after?: Sequence;
  /** Goes on with each new batch, until the signal aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * What is no mutation, recorded: a stream of its own, bounded by age and size, the oldest forgotten first. It is no part of
 * the truth: a position does not name it.
 */
export interface AuditStream {
  /** Stores entries together. Throws LogUnavailable where it can't. */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** Oldest first. */
  read(options?: AuditReadOptions): AsyncIterable<AuditBatch>;
  /** The first batch that is still kept, and the newest there was (0: none). Throws LogUnavailable where it can't. */
  bounds(): Promise<{ readonly first: Sequence; readonly last: Sequence }>;
  close(): Promise<void>;
}

/** Where a cluster's audit entries are stored: no object's subject. */
export const auditSubject = (cluster: string): string => `decklog.${cluster}.audit.entries`;
