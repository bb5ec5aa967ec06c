import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from './authorization/authorizer.js';
import type { RequestInfo } from './request-info.js';

/** One request that has been read as far as its headers and admitted: what every handler is given. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** The request target as it came, path and query. */
  readonly target: string;
  readonly user: User;
  /** Names the request in logs, in answers (`Audit-Id`) and in the events it causes. */
  readonly auditId: string;
  /** Aborted when the client is gone or the server closes. */
  readonly signal: AbortSignal;
}
