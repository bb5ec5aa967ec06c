import { ForeignStatusError, StatusError, type StatusCause, type StatusDetails } from '#libs/apimachinery';
import { remarkAs } from '../admission/notes.js';

/** An operation of a transaction that can't be, and why. */
export interface RefusedOperation {
  readonly index: number;
  /** What it is about: `ConfigMap a/b`. */
  readonly object: string;
  readonly refusal: StatusError;
}

/** So many are named in the message, and so many of their problems in the details. */
const NAMED = 10;
const CAUSES = 500;

/** What is wrong with one operation; each field says which. */
function causesOf({ index, refusal: { details, message, reason } }: RefusedOperation): readonly StatusCause[] {
  const place = `operations[${index}]`;
  const causes = details?.causes ?? [];
  if (causes.length === 0) return [{ reason, message, field: place }];
  return causes.map((cause) => ({ ...cause, field: cause.field === undefined || cause.field === '' ? place : `${place}.${cause.field}` }));
}

const REFUSED = new WeakMap<StatusError, readonly RefusedOperation[]>();

/** The operations that the refusal of a transaction is about; of other errors none. */
export const refusedOperations = (error: StatusError): readonly RefusedOperation[] => REFUSED.get(error) ?? [];

/**
 * The refusal of a transaction: the first refused operation's reason and details, with all of them named. Nothing of a
 * refused transaction is written.
 */
export function transactionRefusal(refused: readonly [RefusedOperation, ...RefusedOperation[]]): StatusError {
  const [first] = refused;
  const sentences = refused.slice(0, NAMED).map(({ index, object, refusal }) => `operations[${index}] (${object}): ${refusal.message}`);
  const more = refused.length > NAMED ? [`and ${refused.length - NAMED} more`] : [];
  const message = [...sentences, ...more].join('; ');
  const { refusal } = first;
  const details: StatusDetails = { ...refusal.details, causes: refused.flatMap(causesOf).slice(0, CAUSES) };
  const combined =
    refusal instanceof ForeignStatusError
      ? new ForeignStatusError(message, { ...refusal.foreign, details })
      : new StatusError(refusal.reason, message, details, { cause: refusal });
  remarkAs(combined, refusal);
  REFUSED.set(combined, refused);
  return combined;
}
