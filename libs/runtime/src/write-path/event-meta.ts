import { formatBefore, SCHEMA, type AppendWrite, type EventMeta, type Sequence } from '#libs/log';
import type { WriteRequest } from '#libs/registry';

/** One of the writes that a request leads to. */
interface OneWrite {
  readonly type: EventMeta['type'];
  readonly previous: Sequence;
  /** Whether it is of the request's own object: what is written with that the registry derived. */
  readonly own: boolean;
  readonly id: string;
}

/** What an event says of who wrote it and why. A controller decided on the request's own object, and nobody computes the others again. */
export function eventMeta({ verb, subresource, requester }: WriteRequest, { type, previous, own, id }: OneWrite): EventMeta {
  const { actor, agent, sourceAddress, requestId, fieldManager, root, cause, decision } = requester;
  return {
    type,
    verb,
    ...(subresource === undefined ? {} : { subresource }),
    actor,
    ...(agent === undefined ? {} : { agent }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(fieldManager === undefined ? {} : { fieldManager }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(root === undefined ? {} : { root }),
    ...(cause === undefined ? {} : { cause }),
    ...(decision === undefined || !own ? {} : { decision }),
    id,
    previous,
    schema: SCHEMA,
    encoding: 'json',
  };
}

/**
 * A write that stands behind the first of its request in an append: that one began what this one belongs to, unless the
 * request answers to an event that was there before.
 */
export function behind(write: AppendWrite, distance: number): AppendWrite {
  if (distance === 0 || write.meta.root !== undefined) return write;
  const first = formatBefore(distance);
  return { ...write, meta: { ...write.meta, root: first, cause: write.meta.cause ?? first } };
}
