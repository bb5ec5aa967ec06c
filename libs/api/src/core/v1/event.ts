import type { Instant } from '#libs/apimachinery';
import { ago, column, wideColumn } from '../../columns.js';
import type { PrinterColumn, ResourceDefinition } from '../../definition.js';
import type { Event } from '../../generated/types.js';
import { EVENTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { eventProblems } from './event-validation.js';

const firstSeen = ({ firstTimestamp, eventTime }: Event, now: Instant): string => ago(firstTimestamp || eventTime, now);

function lastSeen(event: Event, now: Instant): string {
  if (event.series) return ago(event.series.lastObservedTime, now);
  return event.lastTimestamp ? ago(event.lastTimestamp, now) : firstSeen(event, now);
}

function object({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function source({ source: from, reportingComponent, reportingInstance }: Event): string {
  const component = from?.component || reportingComponent || '';
  const instance = from?.host || reportingInstance || '';
  return instance === '' ? component : `${component}, ${instance}`;
}

const count = ({ series, count: counted }: Event): number => (series ? (series.count ?? 0) : counted || 1);

/** The columns of `kubectl get events`; both groups show the same. */
export const EVENT_COLUMNS: readonly PrinterColumn<Event>[] = [
  column('Last Seen', lastSeen),
  column('Type', ({ type }) => type ?? ''),
  column('Reason', ({ reason }) => reason ?? ''),
  column('Object', object),
  wideColumn('Subobject', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wideColumn('Source', source),
  column('Message', ({ message }) => (message ?? '').trim()),
  wideColumn('First Seen', firstSeen),
  wideColumn('Count', count),
  { name: 'Name', type: 'string', format: 'name', priority: 1, cell: ({ metadata }) => metadata.name ?? '' },
];

export const events: ResourceDefinition<Event> = {
  resource: EVENTS,
  kind: 'Event',
  listKind: 'EventList',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  scope: 'Namespaced',
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.Event',
  stream: 'event',
  subresources: [],
  fields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source: from, reportingComponent }) => from?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
  strategy: standardStrategy<Event>({ validate: eventProblems }),
  columns: EVENT_COLUMNS,
};
