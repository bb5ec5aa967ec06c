import { formatBefore, SCHEMA, type AppendWrite, type EventMeta, type Sequence } from '#libs/log';
import type { WriteRequest } from '#libs/registry';

/** One of the writes that a request leads to. */
interface OneWrite {
  readonly type: EventMeta['type'];
  readonly previous: Sequence;
  /** Whether it is of the request's own object: what is written with that the registry derived. */
  readonly own: boolean;
  readonly id: string;
  /** The chain that it goes on, where the request answers to the object that it writes. */
  readonly chain?: { readonly root: string; readonly cause?: string };
}

/** What an event says of who wrote it and why. A controller decided on the request's own object, and nobody computes the others again. */
export function eventMeta({ verb, subresource, requester }: WriteRequest, { type, previous, own, id, chain }: OneWrite): EventMeta {
  const { actor, agent, sourceAddress, requestId, fieldManager, decision } = requester;
  const { root, cause } = chain ?? requester;
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
 * A write that stands behind the first of its append: that one began what this one belongs to, unless the request answers to
 * an event that was there before. `lead`: how far before it the event of its own object stands, where its request has one.
 * So every event but a root has a cause, and from cause to cause one comes to the root.
 */
export function behind(write: AppendWrite, distance: number, lead = distance): AppendWrite {
  const { meta } = write;
  if (distance === 0 || (meta.root !== undefined && meta.cause !== undefined)) return write;
  return { ...write, meta: { ...meta, root: meta.root ?? formatBefore(distance), cause: meta.cause ?? formatBefore(lead) } };
}
