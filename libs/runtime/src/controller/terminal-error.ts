/** A reconcile can not succeed whatever is retried: it is reported once, and the key waits for its next event. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
