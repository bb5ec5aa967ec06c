import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ResourceDefinition } from '#libs/api';
import { StatusError } from '#libs/apimachinery';
import { remarksOn } from '#libs/registry';
import type { WriteResult } from '#libs/runtime';
import type { User } from './authorization/authorizer.js';
import type { Past, PastRequest } from './past/past-request.js';
import type { RequestInfo } from './request-info.js';

/** One request that has been read as far as its headers and admitted: what every handler is given. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** Set where the past is asked for: `info` is what is asked of it. */
  readonly at?: PastRequest;
  /** The moment itself, where it has been looked up. */
  readonly past?: Past;
  /** The request target as it came, path and query. */
  readonly target: string;
  readonly user: User;
  /** Names the request in logs, in answers (`Audit-Id`) and in the events it causes. */
  readonly auditId: string;
  /** Aborted when the client is gone or the server closes. */
  readonly signal: AbortSignal;
  /** Set where admission has something for the record: by whoever carries the write out. */
  annotated?: Annotated;
  /** Set where the answer shows what a Secret once held: the request is recorded as a read of it. */
  disclosed?: { readonly namespace: string; readonly name: string };
  /** Set where a request asks for several things that are judged one by one: each that is worth it is recorded as well. */
  parts?: readonly Part[];
}

/** One of several things that a request asks for, and what is to be recorded of it. */
export interface Part {
  readonly info: RequestInfo;
  readonly code: number;
  readonly reason?: string;
  readonly annotated?: Annotated;
}

/** What admission said of a write for the record, and the event that the write became. */
export interface Annotated {
  readonly annotations: ReadonlyMap<string, string>;
  /** `stream:sequence`; undefined where nothing was written. */
  readonly event: string | undefined;
}

/** Keeps with a request what admission said of its write. */
export function annotate(call: Call, { stream }: Pick<ResourceDefinition, 'stream'>, { annotations, sequence }: WriteResult): void {
  if (annotations !== undefined) call.annotated = annotated(stream, annotations, sequence);
}

/** What admission said of a write, with the event that it became. */
export const annotated = (
  stream: ResourceDefinition['stream'],
  annotations: Annotated['annotations'],
  sequence: WriteResult['sequence'],
): Annotated => ({ annotations, event: sequence === undefined ? undefined : `${stream}:${sequence}` });

/** What admission said for the record of a write that it refused. */
export function annotatedBy(failure: unknown): Annotated | undefined {
  const annotations = failure instanceof StatusError ? remarksOn(failure)?.annotations : undefined;
  return annotations === undefined || annotations.size === 0 ? undefined : { annotations, event: undefined };
}
