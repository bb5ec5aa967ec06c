import { deepEqual, validateImmutableField, type FieldError, type KubeObject } from '#libs/apimachinery';
import { EVENT_COLUMNS } from '../../core/v1/event.js';
import { eventProblems, newEventProblems, seriesProblems } from '../../core/v1/event-validation.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Event, EventsEvent } from '../../generated/types.js';
import { EVENTS, EVENTS_V1 } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

/** Members of a Kubernetes Event that have other names in the two groups: events.k8s.io's, then core's. */
const RENAMED = [
  ['reportingController', 'reportingComponent'],
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
] as const;
const TO_CORE: ReadonlyMap<string, string> = new Map(RENAMED);
const FROM_CORE: ReadonlyMap<string, string> = new Map(RENAMED.map(([ours, core]) => [core, ours]));

const renamed = (object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject =>
  ({
    ...Object.fromEntries(Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value])),
    apiVersion,
  }) as KubeObject;

/** The same Kubernetes Event as the core group writes it: how it is stored. */
export const toCoreEvent = (event: EventsEvent): Event =>
  ({ involvedObject: {}, source: {}, reportingComponent: '', reportingInstance: '', ...renamed(event, TO_CORE, 'v1') }) as Event;

/** The same Kubernetes Event as events.k8s.io writes it. */
export const fromCoreEvent = (event: Event): EventsEvent => renamed(event, FROM_CORE, 'events.k8s.io/v1') as EventsEvent;

const FIXED = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
] as const;

/** Only the series moves, once a Kubernetes Event is there. */
function validateUpdate(sent: EventsEvent, old: EventsEvent): readonly FieldError[] {
  const next = toCoreEvent(sent);
  const before = toCoreEvent(old);
  return [
    ...eventProblems(next),
    ...(deepEqual(next.series, before.series) ? [] : seriesProblems(next)),
    ...FIXED.flatMap((member) => validateImmutableField(next[member], before[member], member)),
    ...validateImmutableField(next.reportingComponent, before.reportingComponent, 'reportingController'),
    ...validateImmutableField(next.reportingInstance, before.reportingInstance, 'reportingInstance'),
  ];
}

export const eventsV1: ResourceDefinition<EventsEvent> = {
  resource: EVENTS_V1,
  kind: 'Event',
  listKind: 'EventList',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  scope: 'Namespaced',
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.events.v1.Event',
  stream: 'event',
  storage: { resource: EVENTS, toStored: toCoreEvent, fromStored: (stored) => fromCoreEvent(stored as Event) },
  subresources: [],
  fields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  strategy: standardStrategy<EventsEvent>({ validate: (event) => newEventProblems(toCoreEvent(event)), validateUpdate }),
  columns: EVENT_COLUMNS.map((one) => ({ ...one, cell: (event, now) => one.cell(toCoreEvent(event), now) })),
};
