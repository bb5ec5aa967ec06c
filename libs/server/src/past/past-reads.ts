import type { Sequence } from '#libs/log';
import { tooLargeVersion } from '../reads/freshness.js';
import { sequenceOf, type ListOptions } from '../reads/list-options.js';
import type { Page, Place } from '../reads/page.js';
import { continuationOf, isExact, type ProjectionReader } from '../reads/projection-reader.js';
import type { Reads } from '../reads/reader.js';
import type { Selection } from '../reads/selection.js';
import type { Row, ServedResource } from '../served-resource.js';
import type { Past } from './past-request.js';

/** Reads as of a moment: the rules are those of now, but time stands still, and nothing was compacted away. */
export class PastReads implements Reads {
  constructor(
    private readonly projection: ProjectionReader,
    private readonly past: Past,
  ) {}

  async get(served: ServedResource, place: Place, resourceVersion: string, signal: AbortSignal): Promise<Row> {
    this.known(served, sequenceOf(resourceVersion, served.definition.resource));
    return this.projection.getAt(served, place, this.past.position[served.stream], signal);
  }

  async list(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    const { limit } = options;
    const now = this.past.position[served.stream];
    if (options.continue !== '') {
      const { sequence, after } = continuationOf(served, selection, options);
      const at = sequence < 0 ? now : this.known(served, sequence);
      return this.projection.past(served, selection, { sequence: at, limit, after }, signal);
    }
    const wanted = this.known(served, sequenceOf(options.resourceVersion, served.definition.resource));
    return this.projection.past(served, selection, { sequence: isExact(options, wanted) ? wanted : now, limit }, signal);
  }

  /** A resourceVersion that was there by then; a later one is as one from the future. */
  private known(served: ServedResource, sequence: Sequence): Sequence {
    const now = this.past.position[served.stream];
    if (sequence > now) throw tooLargeVersion(sequence, now);
    return sequence;
  }
}
