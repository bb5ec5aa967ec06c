import { EVENTS, type Event } from '#libs/api';
import { parseTime, type Change, type Controller, type Instant, type Lister } from '#libs/apimachinery';
import { byName } from '../ordering.js';

const EVERY_MS = 3_600_000;
/** Most Kubernetes Events deleted in one pass. */
const MOST_SWEPT = 500;

export interface SweepSnapshot {
  readonly events: readonly Event[];
}

const spokenAt = ({ lastTimestamp, eventTime, series, metadata }: Event): Instant | undefined =>
  parseTime(series?.lastObservedTime) ?? parseTime(lastTimestamp) ?? parseTime(eventTime) ?? parseTime(metadata.creationTimestamp);

/** Deletes Kubernetes Events that nothing has been added to for longer than `ageMs`, so that watchers see them go. */
export function eventSweeper(ageMs: number): Controller<SweepSnapshot> {
  return {
    name: 'event-sweeper',
    actor: 'system:serviceaccount:kube-system:event-sweeper',
    initialKeys: ['all'],
    watches: [],
    snapshot: (_key: string, lister: Lister) => ({ events: [...(lister.list(EVENTS) as readonly Event[])].sort(byName) }),
    reconcile({ events }, now) {
      const old = events.filter((event) => (spokenAt(event) ?? now) + ageMs <= now);
      const changes = old.slice(0, MOST_SWEPT).map(({ metadata: { name = '', namespace = '', uid = '' } }): Change => ({
        verb: 'delete',
        resource: EVENTS,
        namespace,
        name,
        preconditions: { uid },
      }));
      return { changes, requeueAfterMs: old.length > MOST_SWEPT ? 1000 : EVERY_MS };
    },
  };
}
