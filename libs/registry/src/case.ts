import type { PrepareContext, ResourceDefinition } from '#libs/api';
import type { GroupVersionResource, KubeObject, ObjectMeta } from '#libs/apimachinery';
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
export const trackingOf = ({ definition, request, context }: Case): Tracking => ({
  definition,
  subresource: request.subresource ?? '',
  manager: managerName(request.requester),
  now: context.now,
});

/** Where a kind's objects are stored: their own resource, or the one they share. */
export const storedResource = ({ storage, resource }: ResourceDefinition): GroupVersionResource => storage?.resource ?? resource;

/** The object as it is now, in the form of the kind the request speaks of. */
export function currentOf(
  { definition, read }: Pick<Case, 'definition' | 'read'>,
  namespace: string,
  name: string,
): StoredObject | undefined {
  const found = read.object(storedResource(definition), namespace, name);
  if (!found || !definition.storage) return found;
  return { sequence: found.sequence, object: definition.storage.fromStored(found.object) };
}

/** One event of the request's own object, in the form it is stored in. */
export function planned(type: PlannedWrite['type'], definition: ResourceDefinition, object: KubeObject, previous: number): PlannedWrite {
  return { type, definition, object: definition.storage ? definition.storage.toStored(object) : object, previous };
}

/** The same object with other metadata; members that are undefined are left out. */
export const withMetadata = <T extends KubeObject>(object: T, metadata: ObjectMeta): T => ({ ...object, metadata });
