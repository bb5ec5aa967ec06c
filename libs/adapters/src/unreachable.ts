import { LogUnavailable } from '#libs/log';
import { AnswerLost } from './jetstream/wire.js';

/** Codes of the system, of nats and of Postgres that stand for a server which is not there, is starting, or is ending. */
const CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
  ...['CONNECTION_REFUSED', 'CONNECTION_CLOSED', 'CONNECTION_DRAINING', 'CONNECTION_TIMEOUT', 'DISCONNECT', 'TIMEOUT', '503'],
  ...['57P01', '57P02', '57P03', '53300', '08000', '08001', '08003', '08004', '08006'],
]);
/** What the driver of Postgres says without a code. */
const SENTENCES: readonly RegExp[] = [
  /^(timeout expired|timeout exceeded when trying to connect|Query read timeout)/,
  /^(Connection terminated|Client has encountered a connection error|Client was closed)/,
];

/** Whether an error says that a server can't be reached just now: trying again may cure it, and nothing else will. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof AnswerLost || error instanceof LogUnavailable) return true;
  if (error instanceof AggregateError && error.errors.some(isUnreachable)) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  return (
    (typeof code === 'string' && CODES.has(code)) ||
    SENTENCES.some((sentence) => sentence.test(error.message)) ||
    isUnreachable(error.cause)
  );
}
