import type { SinkMessage } from '#libs/adapters';

/** Where a sink's entries go. */
export interface Target {
  /** Resolves when all of them are where they belong, durably. Throws where they are not: they come again, all of them. One call at a time. */
  deliver(entries: readonly SinkMessage[]): Promise<void>;
  close(): Promise<void>;
}
