import { apiVersionOf, badRequest, formatTime, StatusError, type KubeObject, type StatusCause } from '#libs/apimachinery';
import {
  apply,
  differenceOf,
  FieldConflicts,
  fieldsOf,
  isEmpty,
  isMap,
  managersAfterUpdate,
  pathsOf,
  printedPath,
  problemsOf,
  type Fields,
} from '#libs/structured-merge';
import { managerKey, managerOf, storedManaged, UNMANAGED, type Managed } from './managed-fields.js';
import {
  emptyObject,
  mergeTypeFor,
  stripped,
  versionsOf,
  withManaged,
  withoutManagedFields,
  type TrackedKind,
  type Tracking,
} from './track.js';

const BEFORE_FIRST_APPLY = 'before-first-apply';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** The only manager whose client-side applies are taken over without a conflict. */
const KUBECTL = 'kubectl';

/** An applied configuration as the client sent it, checked to be of the kind. Throws BadRequest. */
export function configurationOf(body: unknown, definition: TrackedKind, name: string, namespace: string): KubeObject {
  if (!isMap(body)) throw badRequest('error decoding YAML: the body is no object');
  const { apiVersion, kind } = body;
  const expected = apiVersionOf(definition.resource);
  if (typeof apiVersion !== 'string' || apiVersion === '') throw badRequest('apiVersion must be set in an apply patch');
  if (typeof kind !== 'string' || kind === '') throw badRequest("Object 'Kind' is missing in the applied configuration");
  if (kind !== definition.kind || apiVersion.split('/').slice(0, -1).join() !== definition.resource.group) {
    throw badRequest(`invalid object type: ${apiVersion}, Kind=${kind}`);
  }
  if (apiVersion !== expected) {
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${expected}`);
  }
  const { metadata = {} } = body as { readonly metadata?: unknown };
  if (!isMap(metadata)) throw badRequest('metadata of the applied configuration is no object');
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) throw badRequest('metadata.managedFields must be nil');
  const problems = problemsOf(mergeTypeFor(definition), body);
  if (problems.length > 0) {
    const what = `(${namespace}/${name}; ${apiVersion}, Kind=${kind})`;
    throw badRequest(
      `failed to create typed patch object ${what}: ${problems.length > 1 ? `errors:\n  ${problems.join('\n  ')}` : problems[0]}`,
    );
  }
  return { ...body, apiVersion, kind, metadata } as KubeObject;
}

/** Who owns what before an apply: an object without a record gets one that gives all to `before-first-apply`. */
function managedBefore(tracking: Tracking, live: KubeObject): Managed {
  const stored = live.metadata.managedFields;
  if (stored !== undefined && stored.length > 0) return storedManaged(stored);
  if (live.metadata.uid === undefined) return UNMANAGED;
  const versions = versionsOf(tracking);
  const key = managerKey({
    manager: BEFORE_FIRST_APPLY,
    operation: 'Update',
    apiVersion: versions.apiVersion,
    subresource: tracking.subresource,
  });
  const managers = stripped(
    managersAfterUpdate(versions, emptyObject(tracking.definition), withoutManagedFields(live), new Map(), key),
    key,
  );
  return { managers, times: new Map([[key, formatTime(tracking.now)]]) };
}

/**
 * The live object after an apply, with the record of who owns what; not decoded or defaulted yet. `live` without a uid
 * stands for an object that is to be created. Throws Conflict, naming each field and its owner, unless `force`.
 */
export function applied(tracking: Tracking, live: KubeObject, config: KubeObject, force: boolean): KubeObject {
  const managed = managedBefore(tracking, live);
  const versions = versionsOf(tracking);
  const { manager, subresource, now } = tracking;
  const key = managerKey({ manager, operation: 'Apply', apiVersion: versions.apiVersion, subresource });
  const bare = withoutManagedFields(live);
  const run = (forced: boolean): ReturnType<typeof apply> => apply(versions, bare, config, managed.managers, key, forced);
  let after: ReturnType<typeof apply>;
  try {
    after = run(force);
  } catch (thrown) {
    if (!(thrown instanceof FieldConflicts)) throw thrown;
    const rest = manager === KUBECTL ? withoutLastApplied(tracking, bare, thrown.conflicts) : thrown.conflicts;
    if (rest.size > 0) throw conflictError(rest, managed);
    after = run(true);
  }
  const managers = stripped(after.managers, key);
  const times = new Map(managed.times);
  if (managers.has(key)) times.set(key, formatTime(now));
  return withManaged(after.value as KubeObject, { managers, times });
}

/** The conflicts that are not about fields which kubectl's client-side apply has set before. */
function withoutLastApplied(
  { definition }: Tracking,
  live: KubeObject,
  conflicts: ReadonlyMap<string, Fields>,
): ReadonlyMap<string, Fields> {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined || text === '') return conflicts;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return conflicts;
  }
  if (!isMap(last) || last['apiVersion'] !== apiVersionOf(definition.resource)) return conflicts;
  const type = mergeTypeFor(definition);
  // What somebody has changed since is not kubectl's any more.
  const versions = versionsOf({ definition, subresource: '' });
  const changed = managersAfterUpdate(versions, last, live, new Map(), 'changed').get('changed')?.fields ?? {};
  const allowed = differenceOf(fieldsOf(type, last), changed);
  return new Map(
    [...conflicts].map(([key, fields]) => [key, differenceOf(fields, allowed)] as const).filter(([, fields]) => !isEmpty(fields)),
  );
}

function printedManager(key: string, managed: Managed): string {
  const { manager, operation, subresource } = managerOf(key);
  const name = `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Apply' ? name : `${name} using ${managed.managers.get(key)?.apiVersion ?? ''}`;
}

/** 409, naming every field that somebody else owns (apimachinery `managedfields/internal/conflict.go`). */
function conflictError(conflicts: ReadonlyMap<string, Fields>, managed: Managed): StatusError {
  const byManager = [...conflicts]
    .map(([key, fields]) => ({ manager: printedManager(key, managed), paths: pathsOf(fields).map(printedPath) }))
    .sort((a, b) => (a.manager < b.manager ? -1 : 1));
  const causes: StatusCause[] = byManager.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const first = byManager[0];
  const message =
    causes.length === 1 && first
      ? `Apply failed with 1 conflict: conflict with ${first.manager}: ${first.paths[0] ?? ''}`
      : `Apply failed with ${causes.length} conflicts: ${byManager
          .flatMap(({ manager, paths }) => [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)])
          .join('\n')}`;
  return new StatusError('Conflict', message, { causes });
}
