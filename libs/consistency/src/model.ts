import type { Asked, Operation } from './operation.js';

/**
 * One object as the API promises it: there or not, with what content. Its resourceVersion is known where somebody was told; after a write
 * without an answer it is only known to be above `floor`.
 */
export interface ObjectState {
  readonly content: string | undefined;
  readonly version: number | undefined;
  /** No write after this one can have been given a resourceVersion that is not above this. */
  readonly floor: number;
}

/** Before anybody made it. */
export const ABSENT: ObjectState = { content: undefined, version: undefined, floor: 0 };

const matches = ({ version, floor }: ObjectState, wanted: number): boolean => (version === undefined ? wanted > floor : wanted === version);

/** The state once somebody knows its version; undefined where it can't be that one. */
function known(state: ObjectState, version: number | undefined): ObjectState | undefined {
  if (version === undefined) return state;
  return matches(state, version) ? { content: state.content, version, floor: version } : undefined;
}

const written = (state: ObjectState, content: string, version: number | undefined): ObjectState | undefined => {
  if (version !== undefined && version <= state.floor) return undefined;
  return { content, version, floor: version ?? state.floor };
};

const removed = (state: ObjectState): ObjectState => ({ content: undefined, version: undefined, floor: state.floor });

/** What a request does to the state where it succeeds; undefined where it can't. */
function effect(state: ObjectState, asked: Asked, version: number | undefined): ObjectState | undefined {
  const there = state.content !== undefined;
  switch (asked.verb) {
    case 'create':
      return there ? undefined : written(state, asked.content, version);
    case 'update': {
      const before = there ? known(state, asked.expected) : undefined;
      return before && written(before, asked.content, version);
    }
    case 'delete': {
      const before = there ? known(state, asked.expected) : undefined;
      return before && removed(before);
    }
    case 'get':
      return there ? known(state, version) : undefined;
  }
}

/** Whether the content that came back is what must have: a write's own, a deletion's and a read's that of before. */
function says(state: ObjectState, asked: Asked, content: string | undefined): boolean {
  if (content === undefined) return true;
  return asked.verb === 'create' || asked.verb === 'update' ? content === asked.content : content === state.content;
}

/** Whether a refusal is right in this state. A change that no resourceVersion is tied to may lose to others without end: its conflict tells nothing. */
function refusedRightly(state: ObjectState, asked: Asked, outcome: 'NotFound' | 'AlreadyExists' | 'Conflict'): boolean {
  const there = state.content !== undefined;
  if (outcome === 'NotFound') return !there && asked.verb !== 'create';
  if (outcome === 'AlreadyExists') return there && asked.verb === 'create';
  if (asked.verb !== 'update' && asked.verb !== 'delete') return false;
  if (asked.expected === undefined) return true;
  return there && (state.version === undefined || state.version !== asked.expected);
}

/** The state after an operation that happens in this one as it was answered; undefined where it can't have been answered so. */
export function after(state: ObjectState, { asked, answered }: Operation): ObjectState | undefined {
  switch (answered.outcome) {
    case 'done':
      return says(state, asked, answered.content) ? effect(state, asked, answered.version) : undefined;
    case 'unknown':
      return effect(state, asked, undefined) ?? state;
    default:
      return refusedRightly(state, asked, answered.outcome) ? state : undefined;
  }
}
