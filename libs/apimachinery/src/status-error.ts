import { qualifiedResource, type GroupVersionResource } from './meta.js';

/** The reasons of metav1.StatusReason that this server emits, with the code each one travels under. */
const CODE = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;

/** metav1.StatusReason: why a request failed, in a word that clients match on. */
export type StatusReason = keyof typeof CODE;

/** One of several things wrong with a request: metav1.StatusCause. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** What a Status speaks about: metav1.StatusDetails. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The `v1 Status` object a failed request answers with. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure';
  readonly message: string;
  /** A StatusReason, or a webhook's own word; absent where a webhook gave none. */
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/**
 * An expected failure, already phrased for the client.
 *
 * Everything below the HTTP edge throws this or throws a bug. It carries a reason, never an HTTP
 * code: the code is looked up once, in `toStatus`.
 */
export class StatusError extends Error {
  override readonly name = 'StatusError';

  constructor(
    readonly reason: StatusReason,
    message: string,
    readonly details?: StatusDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A refusal worded by somebody else, such as a webhook: with a code of its own, and a reason that need not be one of ours. */
export class ForeignStatusError extends StatusError {
  constructor(
    message: string,
    readonly foreign: { readonly code: number; readonly reason?: string; readonly details?: StatusDetails },
  ) {
    super('BadRequest', message, foreign.details);
  }
}

type Named = Pick<GroupVersionResource, 'group' | 'resource'>;

const about = (resource: Named, name: string): StatusDetails => ({
  name,
  ...(resource.group === '' ? {} : { group: resource.group }),
  kind: resource.resource,
});

/** 404: no object of that name. */
export const notFound = (resource: Named, name: string): StatusError =>
  new StatusError('NotFound', `${qualifiedResource(resource)} "${name}" not found`, about(resource, name));

/** 409: the name is taken. */
export const alreadyExists = (resource: Named, name: string): StatusError =>
  new StatusError('AlreadyExists', `${qualifiedResource(resource)} "${name}" already exists`, about(resource, name));

/** 409: somebody else wrote first, or a precondition does not hold. */
export const conflict = (resource: Named, name: string, why: string): StatusError =>
  new StatusError('Conflict', `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`, about(resource, name));

/** The sentence of a conflict caused by an old resourceVersion (apiserver registry/generic OptimisticLockErrorMsg). */
export const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again';

/** 403: `why` continues the sentence. */
export const forbidden = (resource: Named, name: string, why: string): StatusError =>
  new StatusError(
    'Forbidden',
    name === '' ? `${qualifiedResource(resource)} is forbidden: ${why}` : `${qualifiedResource(resource)} "${name}" is forbidden: ${why}`,
    about(resource, name),
  );

/** 400: the request could not be understood. */
export const badRequest = (message: string): StatusError => new StatusError('BadRequest', message);

/** 422: the object breaks its kind's rules; every problem is a cause, and the message says each once. `kind` is the Kind, `group` its API group. */
export function invalid(group: string, kind: string, name: string, causes: readonly StatusCause[]): StatusError {
  const sentences = [...new Set(causes.map(({ field, message }) => (field ? `${field}: ${message}` : message)))];
  const [only] = sentences;
  const list = sentences.length === 1 ? (only ?? '') : `[${sentences.join(', ')}]`;
  return new StatusError('Invalid', `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${list}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes,
  });
}

/** 429 or 503 with Retry-After. */
export const tryAgainLater = (reason: 'TooManyRequests' | 'ServiceUnavailable', message: string, retryAfterSeconds: number): StatusError =>
  new StatusError(reason, message, { retryAfterSeconds });

/** Any thrown value as a Status. An unexpected one keeps its secrets: the caller logs it, the client does not see it. */
export function toStatus(thrown: unknown): Status {
  const error = thrown instanceof StatusError ? thrown : new StatusError('InternalError', 'Internal error occurred');
  const foreign = error instanceof ForeignStatusError ? error.foreign : undefined;
  const reason = foreign ? foreign.reason : error.reason;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    ...(reason === undefined ? {} : { reason }),
    ...(error.details ? { details: error.details } : {}),
    code: foreign?.code ?? CODE[error.reason],
  };
}
