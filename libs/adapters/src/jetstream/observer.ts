import type { Sequence, StreamName } from '#libs/log';

/** Why an append was not stored: there is no room for it; nothing was answered although the server is there; anything else. */
export type Refusal = 'NoSpace' | 'NoAnswer' | 'Other';

/** Who is told how a log is doing while it is used. What it is told it must not throw at. */
export interface LogObserver {
  /** The connection broke, or is back. */
  connection(isConnected: boolean): void;
  /** A message or a batch was stored, so long after it was sent. */
  stored(ms: number): void;
  /** A message or a batch was not stored, or nobody knows. */
  refused(refusal: Refusal, why: string): void;
  /** A server's copy of a stream lacks messages that should be there; another's may have them. */
  copyLacks(server: string, stream: StreamName, from: Sequence, to: Sequence): void;
}

/** An observer that does not care. */
export const NOBODY: LogObserver = {
  connection: () => undefined,
  stored: () => undefined,
  refused: () => undefined,
  copyLacks: () => undefined,
};
