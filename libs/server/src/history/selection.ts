import type { Catalog } from '#libs/api';
import { badRequest, type Instant } from '#libs/apimachinery';
import { instantOf, type Moment, type PastSelection } from '#libs/history';
import type { MomentReader, RequestQuery, RevisionQuery } from '#libs/runtime';
import type { PastObject } from './readable.js';
import type { TrailQuery } from './trail.js';

/** What of the past is looked for, once kinds and moments are known. */
export interface Search {
  readonly query: TrailQuery;
  /** The one object whose past it is, where it is one's. */
  readonly object?: PastObject;
  readonly changed?: string;
}

interface Place {
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
}

/** The resource that a selection names by its kind or plural, and where its objects are. */
function placeOf(catalog: Catalog, { group, resource, kind, namespace }: PastSelection, within: string): Place {
  const wanted = catalog.definitions.find(
    (definition) =>
      (group === undefined || definition.resource.group === group) &&
      (resource === undefined || definition.resource.resource === resource) &&
      (kind === undefined || definition.kind.toLowerCase() === kind.toLowerCase()),
  );
  if (kind !== undefined && wanted === undefined) {
    throw badRequest(`no kind ${JSON.stringify(kind)} is served: name what is gone by object.group and object.resource`);
  }
  const named = kind !== undefined || resource !== undefined;
  const stored = named ? (wanted?.storage?.resource ?? wanted?.resource) : undefined;
  const place = stored ? { group: stored.group, resource: stored.resource } : present({ group: resource && (group ?? ''), resource });
  if (named && wanted?.scope === 'Cluster') return { ...place, namespace: '' };
  if (within !== '' && namespace !== undefined && namespace !== within) throw badRequest(`the selector's namespace is not ${within}`);
  const where = within === '' ? namespace : within;
  return where === undefined ? place : { ...place, namespace: where };
}

function present<T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Looks up what a selection means today. `within`: the namespace of the request, '' for all. Throws 400. */
export async function searchOf(
  selection: PastSelection,
  within: string,
  sources: { readonly catalog: Catalog; readonly history: MomentReader; readonly now: Instant },
): Promise<Search> {
  const { name, uid, actor, verb, root, cause, changed, category } = selection;
  const instant = async (moment: Moment | undefined): Promise<Instant | undefined> => {
    if (moment?.kind === 'sequence') return sources.history.timeBy('state', moment.sequence);
    return moment && instantOf(moment, sources.now);
  };
  const [since, until] = await Promise.all([instant(selection.since), instant(selection.until)]);
  const place = placeOf(sources.catalog, selection, within);
  const shared = present({ ...place, name, verb, since, until });
  const revisions: TrailQuery['revisions'] = {
    ...shared,
    ...present({ uid, actor, root, causes: cause === undefined ? undefined : [cause] }),
    withBefore: true,
  } satisfies Omit<RevisionQuery, 'limit'>;
  const kind = category === 'change' ? undefined : category;
  const requests: TrailQuery['requests'] = { ...shared, ...present({ kind, user: actor }) } satisfies Omit<RequestQuery, 'limit'>;
  // Of the audit stream nothing is known but what was asked: it has no causes, and changed nothing.
  const onlyChanges = category === 'change' || (uid ?? root ?? cause ?? changed) !== undefined;
  const onlyRequests = category !== undefined && category !== 'change';
  const { group, resource, namespace } = place;
  return {
    query: { ...(onlyRequests ? {} : { revisions }), ...(onlyChanges ? {} : { requests }) },
    ...(group === undefined || resource === undefined || namespace === undefined || name === undefined
      ? {}
      : { object: { group, resource, namespace, name } }),
    ...present({ changed }),
  };
}
