import type { Answered, Asked, Listed, Moment, Watched } from '#libs/consistency';
import type { KindName } from './kinds.js';

/** One request about one object. Those of a transaction share `id` and times. */
export interface Request {
  /** The request's User-Agent, which the log keeps with every event: it tells who made what. */
  readonly id: string;
  readonly server: string;
  readonly kind: KindName;
  readonly object: string;
  readonly asked: Asked;
  readonly answered: Answered;
  readonly from: Moment;
  readonly to: Moment;
  /** Of a transaction: how many objects it was about, and whether it was refused as a whole. */
  readonly together?: { readonly size: number; readonly refused: boolean };
}

/** A list without a resourceVersion: what was there when it was asked for. */
export interface ListRequest extends Listed {
  readonly kind: KindName;
  readonly from: Moment;
  readonly to: Moment;
}

/** Watches of one kind, each of which goes on where the one before ended, on another server. */
export interface Chain {
  readonly kind: KindName;
  readonly watches: readonly Watched[];
}

/** Everything that clients saw. */
export interface Seen {
  readonly requests: readonly Request[];
  readonly lists: readonly ListRequest[];
  readonly chains: readonly Chain[];
  /** Answers that nobody should get, in words. */
  readonly unexpected: readonly string[];
}

/** An event of the log about an object of the kinds that are watched. */
export interface LogEvent {
  readonly version: number;
  readonly kind: KindName;
  readonly object: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly content: string;
  /** It was asked to go, and goes when its node says so. */
  readonly leaving?: boolean;
  /** The User-Agent of whoever asked for it. */
  readonly by: string;
  /** First and last sequence of a transaction's events. */
  readonly batch?: { readonly first: number; readonly last: number };
}
