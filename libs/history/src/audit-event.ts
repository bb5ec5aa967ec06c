import { BUILT_IN } from '#libs/api';
import { parseApiVersion, type ObjectMeta } from '#libs/apimachinery';
import { parsePlace } from './place.js';
import type { Activity, HistoryActor, ObjectReference } from './wire.js';

/** Who asked: authentication.k8s.io/v1 UserInfo. */
export interface AuditUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
}

/** What an audit event is about: audit.k8s.io/v1 ObjectReference. */
export interface AuditObjectReference {
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

/** An event as Kubernetes' own audit log has it, field for field: audit.k8s.io/v1. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: 'Metadata' | 'RequestResponse';
  readonly auditID: string;
  readonly stage: 'ResponseStarted' | 'ResponseComplete';
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: AuditObjectReference;
  readonly responseStatus?: { readonly metadata: ObjectMeta; readonly status?: string; readonly reason?: string; readonly code: number };
  readonly responseObject?: unknown;
  /** RFC 3339 with microseconds, as metav1.MicroTime. */
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Several of them, as a webhook of Kubernetes' own gets them. */
export interface AuditEventList {
  readonly kind: 'EventList';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly metadata: ObjectMeta;
  readonly items: readonly AuditEvent[];
}

/** Prefix of what is said beyond upstream's fields. */
const OWN = 'history.decklog.dev/';

const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

function userOf({ user, uid, groups }: Omit<HistoryActor, 'impersonator'>): AuditUser {
  return { username: user, ...(uid === undefined ? {} : { uid }), ...(groups === undefined ? {} : { groups }) };
}

/** Upstream's `user` is who asked; whom they acted as stands apart. */
function usersOf({ impersonator, ...actor }: HistoryActor): Pick<AuditEvent, 'user' | 'impersonatedUser'> {
  return impersonator === undefined ? { user: userOf(actor) } : { user: { username: impersonator }, impersonatedUser: userOf(actor) };
}

/** The version that an object was named by; of a built-in kind, where none is known, the one it is stored in. */
const versionOf = ({ apiVersion, group, resource }: ObjectReference): string | undefined =>
  apiVersion === undefined ? BUILT_IN.storedDefinitionOf({ group, resource })?.resource.version : parseApiVersion(apiVersion).version;

/** The path of a request for an object. A create is posted to the list, but for one of a subresource. */
function pathOf(object: ObjectReference, verb: string, subresource: string | undefined): string {
  const { group, resource, namespace, name } = object;
  const version = versionOf(object) ?? 'v1';
  const head = group === '' ? ['api', version] : ['apis', group, version];
  const place = namespace === undefined ? [] : ['namespaces', namespace];
  const named = name !== '' && (verb !== 'create' || subresource !== undefined);
  const parts = [...head, ...place, resource, ...(named ? [name] : []), ...(subresource === undefined ? [] : subresource.split('/'))];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

function objectRefOf({ object, subresource, event }: Activity): AuditObjectReference | undefined {
  if (object === undefined) return undefined;
  const { group, resource, namespace, name, uid } = object;
  const apiVersion = versionOf(object);
  const place = event === undefined ? undefined : parsePlace(event);
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(group === '' ? {} : { apiGroup: group }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(place === undefined ? {} : { resourceVersion: String(place.sequence) }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** A change was answered as such changes are; of other requests the code is kept. */
const codeOf = ({ category, code, type }: Activity): number | undefined =>
  code ?? (category === 'change' ? (type === 'Created' ? 201 : 200) : undefined);

function responseOf(activity: Activity): AuditEvent['responseStatus'] {
  const code = codeOf(activity);
  if (code === undefined) return undefined;
  if (code < 400) return { metadata: {}, code };
  return { metadata: {}, status: 'Failure', ...(activity.reason === undefined ? {} : { reason: activity.reason }), code };
}

function annotationsOf(activity: Activity): Readonly<Record<string, string>> {
  const { category, code, event, root, cause, controller, fields, count, annotations } = activity;
  const own = {
    category,
    event,
    root,
    cause,
    controller,
    fields: fields?.join(','),
    count: count === undefined ? undefined : String(count),
  };
  const decision = code === 403 ? 'forbid' : code === 401 ? undefined : 'allow';
  return {
    ...(decision === undefined ? {} : { 'authorization.k8s.io/decision': decision }),
    ...annotations,
    ...Object.fromEntries(Object.entries(own).flatMap(([key, value]) => (value === undefined ? [] : [[`${OWN}${key}`, value]]))),
  };
}

const isSecret = ({ object }: Activity): boolean => object?.group === '' && object.resource === 'secrets';

/**
 * A line of the audit trail as Kubernetes' own audit log would have it. `body`: the object as the change left it, for whoever asked for
 * bodies; of a Secret there never is one.
 */
export function auditEventOf(activity: Activity, body?: unknown): AuditEvent {
  const { verb, subresource, object, path, requestId, metadata, sourceAddress, agent, latencyMs = 0 } = activity;
  const at = Date.parse(activity.time);
  const whole = body !== undefined && !isSecret(activity);
  const objectRef = objectRefOf(activity);
  const responseStatus = responseOf(activity);
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: whole ? 'RequestResponse' : 'Metadata',
    auditID: requestId ?? metadata.name ?? '',
    stage: responseStatus === undefined ? 'ResponseStarted' : 'ResponseComplete',
    requestURI: object === undefined ? (path ?? '/') : pathOf(object, verb, subresource),
    verb,
    ...usersOf(activity.actor),
    ...(sourceAddress === undefined ? {} : { sourceIPs: [sourceAddress] }),
    ...(agent === undefined ? {} : { userAgent: agent }),
    ...(objectRef === undefined ? {} : { objectRef }),
    ...(responseStatus === undefined ? {} : { responseStatus }),
    ...(whole ? { responseObject: body } : {}),
    requestReceivedTimestamp: microTime(at),
    stageTimestamp: microTime(at + latencyMs),
    annotations: annotationsOf(activity),
  };
}

/** Audit events together, as a webhook of Kubernetes' own gets them. */
export const auditEventList = (items: readonly AuditEvent[]): AuditEventList => ({
  kind: 'EventList',
  apiVersion: 'audit.k8s.io/v1',
  metadata: {},
  items,
});
