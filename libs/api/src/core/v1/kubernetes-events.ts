import { fnv32, formatTime, type Change, type Instant, type KubeObject } from '#libs/apimachinery';
import type { Event } from '../../generated/types.js';
import { EVENTS } from '../../resources.js';

/** What a user is told about an object, as `kubectl describe` shows it. */
export interface Telling {
  readonly about: KubeObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Tells apart what is said of the same object, in the same words, by one decision. */
  readonly nth?: number;
}

/** Upstream's event correlator writes this many of a kind one by one; the rest becomes one Kubernetes Event. */
export const MOST_SIMILAR = 10;

/** `<object>.<sixteen hex digits>`: the nanoseconds of now, where the part below a millisecond says what is told. */
function eventName({ about, reason, message, nth = 0 }: Telling, now: Instant): string {
  const distinct = fnv32(`${about.metadata.uid ?? ''} ${reason} ${message} ${nth}`) % 1_000_000;
  return `${about.metadata.name ?? ''}.${(BigInt(Math.floor(now)) * 1_000_000n + BigInt(distinct)).toString(16)}`;
}

/** The create that tells it, from a component such as `replicaset-controller`; deterministic for an instant. */
export function tell(component: string, telling: Telling, now: Instant, count = 1): Change {
  const { about, type, reason, message } = telling;
  const { name, namespace, uid, resourceVersion } = about.metadata;
  const time = formatTime(now);
  const object: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(telling, now), namespace: namespace ?? 'default' },
    involvedObject: {
      kind: about.kind,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      apiVersion: about.apiVersion,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    reason,
    message,
    source: { component },
    firstTimestamp: time,
    lastTimestamp: time,
    count,
    type,
    reportingComponent: component,
    reportingInstance: '',
  };
  return { verb: 'create', resource: EVENTS, object };
}

/**
 * Changes of a kind, each followed by what is told of it. Beyond the tenth they share one Kubernetes Event behind the
 * last of them, in upstream's words.
 */
export function tellEach(
  component: string,
  changes: readonly { readonly change: Change; readonly telling: Telling }[],
  now: Instant,
): readonly Change[] {
  return changes.flatMap(({ change, telling }, i) => {
    if (i < MOST_SIMILAR) return [change, tell(component, { ...telling, nth: i }, now)];
    if (i < changes.length - 1) return [change];
    const message = `(combined from similar events): ${telling.message}`;
    return [change, tell(component, { ...telling, message }, now, changes.length - MOST_SIMILAR)];
  });
}
