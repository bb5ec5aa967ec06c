import { formatTime, parseApiVersion, type KubeObject } from '#libs/apimachinery';
import { decodeObject, formatPlace, formatPosition, type Decision, type EventMeta, type EventType, type Recorded } from '#libs/log';
import { changesBetween, fieldsOf } from './difference.js';
import { placeName } from './place.js';
import {
  HISTORY_API_VERSION,
  type Activity,
  type HistoryActor,
  type HistoryDecision,
  type ObjectReference,
  type Revision,
} from './wire.js';

/** An event as the past is told from it, with the same object's event before it where there is one. */
export interface StoredEvent extends Pick<Recorded, 'stream' | 'sequence' | 'time' | 'meta' | 'body'> {
  readonly resource: { readonly group: string; readonly resource: string };
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: EventType;
  readonly before?: { readonly sequence: number; readonly type: EventType; readonly body: Uint8Array };
}

/** Fields of one entry of the trail that are named; more are not. */
const MOST_FIELDS = 20;

const withMillis = (time: number): string => new Date(time).toISOString();

/** Nothing where a value is absent: an absent member and `undefined` differ. */
const given = <Key extends string, T>(key: Key, value: T | undefined): { readonly [K in Key]?: T } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: T });

const actorOf = ({ actor: { user, uid, groups, impersonator } }: EventMeta): HistoryActor => ({
  user,
  ...given('uid', uid),
  ...given('groups', groups),
  ...given('impersonator', impersonator),
});

const decisionOf = ({ controller, build, key, seen, decidedAt, index }: Decision): HistoryDecision => ({
  controller,
  build,
  key,
  seen: formatPosition(seen),
  decidedAt: withMillis(decidedAt),
  index,
});

function referenceOf(
  { resource: { group, resource }, namespace, name, uid }: StoredEvent,
  { apiVersion, kind }: KubeObject,
): ObjectReference {
  return { apiVersion, kind, group, resource, ...(namespace === '' ? {} : { namespace }), name, ...(uid === '' ? {} : { uid }) };
}

/** Where an event's chain began: an event without a root is one. */
export const rootOf = ({ stream, sequence, meta }: Pick<StoredEvent, 'stream' | 'sequence' | 'meta'>): string =>
  meta.root ?? formatPlace(stream, sequence);

const metadataOf = (event: StoredEvent): Revision['metadata'] => ({
  name: placeName(event),
  ...(event.namespace === '' ? {} : { namespace: event.namespace }),
  creationTimestamp: formatTime(event.time),
  resourceVersion: String(event.sequence),
});

/** What an update changed; undefined for events that are no updates, and where the event before is gone. */
function changesOf({ type, before, sequence }: StoredEvent, object: KubeObject): Revision['changes'] {
  if (type !== 'Updated' || before === undefined || before.type === 'Deleted') return undefined;
  return changesBetween(decodeObject(before.body, sequence), object);
}

/** An event as the API shows it. */
export function revisionOf(event: StoredEvent): Revision {
  const { stream, sequence, type, time, meta, before } = event;
  const object = decodeObject(event.body, sequence);
  const { verb, subresource, agent, sourceAddress, fieldManager, requestId, decision, cause } = meta;
  return {
    apiVersion: HISTORY_API_VERSION,
    kind: 'Revision',
    metadata: metadataOf(event),
    object: referenceOf(event, object),
    stream,
    sequence,
    ...given('previous', before?.sequence),
    time: withMillis(time),
    type,
    verb,
    ...given('subresource', subresource),
    actor: actorOf(meta),
    ...given('agent', agent),
    ...given('sourceAddress', sourceAddress),
    ...given('fieldManager', fieldManager),
    ...given('requestId', requestId),
    ...given('decision', decision && decisionOf(decision)),
    root: rootOf(event),
    ...given('cause', cause),
    ...given('changes', changesOf(event, object)),
  };
}

/** An event as a line of the audit trail. */
export function activityOfRevision(revision: Revision): Activity {
  const { metadata, stream, sequence, time, type, verb, subresource, actor, agent, sourceAddress, requestId, object, root, cause } =
    revision;
  const { decision, changes } = revision;
  return {
    apiVersion: HISTORY_API_VERSION,
    kind: 'Activity',
    metadata,
    category: 'change',
    time,
    actor,
    ...given('agent', agent),
    ...given('sourceAddress', sourceAddress),
    ...given('requestId', requestId),
    verb,
    ...given('subresource', subresource),
    object,
    event: formatPlace(stream, sequence),
    type,
    root,
    ...given('cause', cause),
    ...given('controller', decision?.controller),
    ...given('fields', changes && fieldsOf(changes).slice(0, MOST_FIELDS)),
  };
}

/** The version that an object's apiVersion names: what an authorizer is asked about. */
export const versionOf = ({ apiVersion = '' }: ObjectReference): string => parseApiVersion(apiVersion).version;
