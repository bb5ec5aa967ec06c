import type { PrepareContext, ResourceDefinition, VersionWebhook } from '#libs/api';
import { apiVersionOf, sha256Hex, type GroupVersionResource, type KubeObject, type ObjectMeta } from '#libs/apimachinery';
import type { Notes } from './admission/notes.js';
import { managerName, type Tracking } from './field-management/index.js';
import type { Reader } from './reader.js';
import type { AdmissionStep, ClusterSettings, PlannedWrite, StoredObject, WriteContext, WriteRequest } from './write.js';

/** All that one decision may look at. */
export interface Case {
  readonly request: WriteRequest;
  readonly definition: ResourceDefinition;
  readonly read: Reader;
  readonly context: WriteContext;
  readonly settings: ClusterSettings;
  /** What admission has to say besides; gathered on the way. */
  readonly notes: Notes;
}

/** A decision that has been made: the second form of an AdmissionStep. */
export type Decided = Exclude<AdmissionStep, { readonly need: unknown }>;

/** The namespace of a request; '' for a cluster-scoped resource. */
export const namespaceOf = ({ definition, request }: Pick<Case, 'definition' | 'request'>): string =>
  definition.scope === 'Cluster' ? '' : (request.namespace ?? '');

/** What strategies may know of a request. */
export function prepareContextOf({ request, context: { now } }: Case): PrepareContext {
  const { actor, extra } = request.requester;
  const { user, uid, groups = [] } = actor;
  return { now, user: { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) } };
}

/** Who writes to what, for the record of who owns which field. */
export function trackingOf(given: Case): Tracking {
  const { definition, request, context } = given;
  const webhook = definition.storage?.webhook;
  return {
    definition,
    subresource: request.subresource ?? '',
    manager: managerName(request.requester),
    now: context.now,
    ...(webhook ? { convert: (object, apiVersion) => convertedTo(apiVersion, object, webhook, given) } : {}),
  };
}

/** Where a kind's objects are stored: their own resource, or the one they share. */
export const storedResource = ({ storage, resource }: ResourceDefinition): GroupVersionResource => storage?.resource ?? resource;

/** The object as it is now, in the form of the kind the request speaks of. */
export function currentOf(given: Pick<Case, 'definition' | 'read' | 'context'>, namespace: string, name: string): StoredObject | undefined {
  const { definition, read } = given;
  const found = read.object(storedResource(definition), namespace, name);
  const [object] = found && definition.storage ? formsOf(given, [found.object]) : [];
  return found && object ? { sequence: found.sequence, object } : found;
}

/** Stored objects of a kind in the form of its definition. */
export function formsOf(given: Pick<Case, 'definition' | 'read' | 'context'>, objects: readonly KubeObject[]): readonly KubeObject[] {
  const { definition } = given;
  const { storage } = definition;
  if (!storage) return objects;
  const { webhook } = storage;
  const own = webhook ? allConvertedTo(apiVersionOf(definition.resource), objects, webhook, given) : objects;
  return own.map((object) => storage.fromStored(object));
}

/** An object in another version of its kind, as the kind's webhook has it. */
export const convertedTo = (
  apiVersion: string,
  object: KubeObject,
  webhook: VersionWebhook,
  given: Pick<Case, 'read' | 'context'>,
): KubeObject => allConvertedTo(apiVersion, [object], webhook, given)[0] ?? object;

/** Objects in another version of their kind: those that are not in it already are converted in one call. */
function allConvertedTo(
  apiVersion: string,
  objects: readonly KubeObject[],
  webhook: VersionWebhook,
  { read, context }: Pick<Case, 'read' | 'context'>,
): readonly KubeObject[] {
  const others = objects.filter((object) => object.apiVersion !== apiVersion);
  if (others.length === 0) return objects;
  const { target, caBundle, timeoutSeconds } = webhook;
  const body = webhook.review(context.uid, others, apiVersion);
  const key = `convert to ${apiVersion}: ${others.map((object) => sha256Hex(JSON.stringify(object))).join(' ')}`;
  const [answer = { failure: 'no answer' }] = read.answers([{ key, target, ...(caBundle ? { caBundle } : {}), timeoutSeconds, body }]);
  const converted = webhook.converted(context.uid, others, apiVersion, answer);
  const byObject = new Map(others.map((object, i) => [object, converted[i] ?? object]));
  return objects.map((object) => byObject.get(object) ?? object);
}

/** A uid that follows from another: a decision draws one, and what it writes besides needs some of its own. */
export function derivedUid(uid: string, index: number): string {
  const tail = (parseInt(uid.slice(-12), 16) + index) % 2 ** 48;
  return `${uid.slice(0, -12)}${tail.toString(16).padStart(12, '0')}`;
}

/** One event of the request's own object, in the form it is stored in. */
export function planned(
  type: PlannedWrite['type'],
  given: Pick<Case, 'definition' | 'read' | 'context'>,
  object: KubeObject,
  previous: number,
): PlannedWrite {
  const { definition } = given;
  const { storage } = definition;
  if (!storage) return { type, definition, object, previous };
  const { webhook } = storage;
  const stored = webhook ? convertedTo(apiVersionOf(storage.resource), object, webhook, given) : object;
  return { type, definition, object: storage.toStored(stored), previous };
}

/** What is written; of a dry run nothing: what it would have written is withheld. */
export const writesOf = (
  { request }: Pick<Case, 'request'>,
  writes: readonly PlannedWrite[],
): { readonly writes: readonly PlannedWrite[]; readonly withheld?: readonly PlannedWrite[] } =>
  request.options.dryRun === true ? { writes: [], withheld: writes } : { writes };

/** The same object with other metadata; members that are undefined are left out. */
export const withMetadata = <T extends KubeObject>(object: T, metadata: ObjectMeta): T => ({ ...object, metadata });
