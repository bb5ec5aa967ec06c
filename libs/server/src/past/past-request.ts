import type { Instant } from '#libs/apimachinery';
import type { Position } from '#libs/log';

/** What a request for the past says before its path: the moment is looked up when the request has been let in. */
export interface PastRequest {
  /** The moment and its pace, decoded: `10m;speed=10x`. */
  readonly moment: string;
  /** What the path began with, as it came: `/at/10m%3Bspeed=10x`. */
  readonly prefix: string;
}

/** The moment that a request is answered of. */
export interface Past {
  /** What counts as now: ages are told from here. */
  readonly time: Instant;
  /** Everything up to here had happened. */
  readonly position: Position;
  /** How many times faster than it happened a watch shows what came then. */
  readonly speed: number;
  /** What paths of answers begin with. */
  readonly prefix: string;
}

const PREFIX = '/at/';

/** Takes a path apart that begins with `/at/<moment>`; undefined for any other. */
export function splitPast(path: string): { readonly at: PastRequest; readonly path: string } | undefined {
  if (!path.startsWith(PREFIX)) return undefined;
  const slash = path.indexOf('/', PREFIX.length);
  const end = slash < 0 ? path.length : slash;
  const prefix = path.slice(0, end);
  return { at: { moment: decoded(prefix.slice(PREFIX.length)), prefix }, path: slash < 0 ? '/' : path.slice(slash) };
}

/** A segment without its percent-encoding; one that has none that is valid stays as it is, and is no moment. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
