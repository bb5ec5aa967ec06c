import type { AppendWrite, Sequence, StreamName } from '#libs/log';

/** A stretch of time, in milliseconds since 1970. */
export interface Stretch {
  readonly begin: number;
  readonly end: number;
}

/** Events that were stored together. */
export interface AppendTrace extends Stretch {
  readonly stream: StreamName;
  readonly writes: readonly AppendWrite[];
  readonly sequences: readonly Sequence[];
}

/** A controller's decision that changed something. */
export interface ReconcileTrace extends Stretch {
  readonly controller: string;
  readonly key: string;
  /** The time that the decision was given, as its events say (`decision.decidedAt`): what tells it from others of the key. */
  readonly decidedAt: number;
  /** `stream:sequence` of the newest event that woke the key, and of the first of its chain. */
  readonly cause?: string;
  readonly root?: string;
  readonly outcome: string;
}

/** A request to the API server, answered. */
export interface RequestTrace extends Stretch {
  readonly id: string;
  /** W3C Trace Context, as the client sent it. */
  readonly traceparent?: string;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user?: string;
  readonly agent?: string;
  readonly code: number;
}

/**
 * Who is told what happens as traces: a trace is a root event with everything it began, in whichever process. Told synchronously; it
 * must neither throw nor wait.
 */
export interface Tracing {
  appended(append: AppendTrace): void;
  reconciled(reconcile: ReconcileTrace): void;
  requested(request: RequestTrace): void;
}
