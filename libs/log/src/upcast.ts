import type { Recorded } from './event.js';
import { SCHEMA } from './headers.js';

/** Brings an event of schema `from` to `from + 1`. Never changed once released: a stored sample of its version is in its spec. */
export interface Upcaster {
  readonly from: number;
  readonly upcast: (event: Recorded) => Recorded;
}

/** The steps so far, oldest first: none, this being the first layout. */
export const UPCASTERS: readonly Upcaster[] = [];

/**
 * An event as the current build understands it, whenever it was written. Throws RangeError for one of a newer build:
 * to skip what one doesn't understand would corrupt silently.
 */
export function upcast(event: Recorded, steps: readonly Upcaster[] = UPCASTERS, current: number = SCHEMA): Recorded {
  if (event.meta.schema === current) return event;
  if (event.meta.schema > current) {
    throw new RangeError(`event ${event.stream}:${event.sequence} has schema ${event.meta.schema}, this build knows up to ${current}`);
  }
  const step = steps.find(({ from }) => from === event.meta.schema);
  if (!step) throw new RangeError(`no step leads on from schema ${event.meta.schema} of event ${event.stream}:${event.sequence}`);
  const next = step.upcast(event);
  return upcast({ ...next, meta: { ...next.meta, schema: step.from + 1 } }, steps, current);
}
