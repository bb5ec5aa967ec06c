import type { Instant } from '#libs/apimachinery';

/** The three streams of a cluster. A bare "sequence" or "moment" means one of `state`. */
export type StreamName = 'state' | 'lease' | 'event';

/** All streams, in the order in which a position is written. */
export const STREAMS: readonly StreamName[] = ['state', 'lease', 'event'];

/** Place of an event in its stream, from 1. Its decimal form is the object's resourceVersion. */
export type Sequence = number;

/** A point in all streams: everything up to and including these sequences. Written `state:N,lease:N,event:N`. */
export type Position = Readonly<Record<StreamName, Sequence>>;

/** Before the first event of any stream. */
export const ORIGIN: Position = { state: 0, lease: 0, event: 0 };

/** What an event says happened to the object. A watch shows ADDED, MODIFIED, DELETED. */
export type EventType = 'Created' | 'Updated' | 'Deleted';

/** Who did it. `groups` and `extra` as authenticated; `impersonator` where somebody acted as somebody else. */
export interface Actor {
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly impersonator?: string;
}

/** How a controller came to a change, so that the decision can be computed again. */
export interface Decision {
  readonly controller: string;
  readonly build: string;
  readonly key: string;
  /** The position its snapshot stood at. */
  readonly seen: Position;
  /** The `now` it was given. */
  readonly decidedAt: Instant;
  /** Index of the change within the decision. */
  readonly index: number;
}

/**
 * Everything about an event that is not the object. Stored as headers of the message, and never rewritten:
 * an event's metadata is complete from the first one on.
 */
export interface EventMeta {
  readonly type: EventType;
  /** The request's verb: create, update, patch, delete, deletecollection, ... */
  readonly verb: string;
  readonly subresource?: string;
  readonly actor: Actor;
  /** The client's User-Agent, or the controller's name. */
  readonly agent?: string;
  readonly sourceAddress?: string;
  readonly fieldManager?: string;
  readonly requestId?: string;
  /** The first event of the chain, `stream:sequence`; absent on a root, which is its own. */
  readonly root?: string;
  /** The newest position whose handling made this event, `stream:sequence`. */
  readonly cause?: string;
  readonly decision?: Decision;
  /** Drawn by the writer: it recognises its own event after an answer that did not come. */
  readonly id: string;
  /** The same object's previous sequence; 0 where there is none. */
  readonly previous: Sequence;
  /** Version of this layout: for upcasting. */
  readonly schema: number;
  /** The atomic batch the event was stored in, and its size; absent where it was stored alone. */
  readonly batch?: { readonly id: string; readonly size: number };
  /** `json`, or `aes256gcm` (a sealed Secret). */
  readonly encoding: 'json' | 'aes256gcm';
}

/**
 * An event as read back. `body` is the object as canonical JSON (see `encodeObject`) as it now is - for a
 * deletion as it last was - without its resourceVersion, which is `sequence`.
 */
export interface Recorded {
  readonly stream: StreamName;
  readonly sequence: Sequence;
  readonly subject: string;
  /** When the log stored it. */
  readonly time: Instant;
  readonly meta: EventMeta;
  readonly body: Uint8Array;
  /** SHA-256 over the message as it is stored (`digestParts`); there where digests were asked for. */
  readonly digest?: Uint8Array;
}
