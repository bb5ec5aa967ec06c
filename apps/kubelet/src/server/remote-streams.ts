import type { Readable, Writable } from 'node:stream';

/** A client's streams, whatever protocol carries them. Those it did not ask for are absent. */
export interface RemoteStreams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Calls back with each new size of the client's terminal. */
  readonly onResize: (resized: (columns: number, rows: number) => void) => void;
  readonly onClose: (closed: () => void) => void;
  /** Tells how it ended and closes: a Status, or in old protocols its message. */
  readonly finish: (status: RemoteStatus) => Promise<void>;
}

/** The last word of a remote command: metav1.Status, as exec's error stream carries it. */
export interface RemoteStatus {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] };
}
