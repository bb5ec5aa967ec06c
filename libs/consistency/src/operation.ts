/** Time by one monotonic clock for a whole history, in any unit. */
export type Moment = number;

/** What a client asked of one object. `content` stands for the whole of what a write leaves behind: unlike any other write's. */
export type Asked =
  | { readonly verb: 'create'; readonly content: string }
  /** `expected`: the resourceVersion that the object has to have; absent: any. */
  | { readonly verb: 'update'; readonly content: string; readonly expected?: number }
  | { readonly verb: 'delete'; readonly expected?: number }
  | { readonly verb: 'get' };

/** What came back. */
export type Answered =
  /** `version`: the resourceVersion that the write was given or that was read; of a deletion not told. */
  | { readonly outcome: 'done'; readonly version?: number; readonly content?: string }
  | { readonly outcome: 'NotFound' | 'AlreadyExists' | 'Conflict' }
  /** No answer, or one that does not say (a 503, a timeout): it may have happened at any time since it was asked for, or may yet, or never. */
  | { readonly outcome: 'unknown' };

/** One request about one object, as the client who made it saw it. */
export interface Operation {
  readonly client: string;
  readonly asked: Asked;
  readonly answered: Answered;
  readonly from: Moment;
  /** When the answer came; of no consequence where the outcome is unknown. */
  readonly to: Moment;
}
