import type { ObjectMeta } from '#libs/apimachinery';
import type { ApiClient } from '#libs/client';
import { HISTORY_GROUP, HISTORY_VERSION, type Activity, type Cause, type Revision } from '#libs/history';

import { Failure } from '../failure.js';
import type { NamedObject } from './resources.js';

/** A selector of the API group: terms joined by commas; what is undefined is left out. */
export type Terms = Readonly<Record<string, string | undefined>>;

/** What a list of the API group said besides its items. */
export interface Listed<T> {
  readonly items: readonly T[];
  /** There is more than was asked for. */
  readonly more: boolean;
}

interface Page<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly continue?: string };
}

const PAGE = 500;
const ROOT = `/apis/${HISTORY_GROUP}/${HISTORY_VERSION}`;

/** The path of a collection of the API group, in a namespace or in all. */
export const historyPath = (resource: string, namespace: string | undefined, name?: string): string =>
  `${ROOT}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}${name === undefined ? '' : `/${name}`}`;

/** A field selector: values may hold what separates terms. */
export const fieldSelector = (terms: Terms): string | undefined => {
  const parts = Object.entries(terms).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value.replace(/[\\,=]/g, (one) => `\\${one}`)}`],
  );
  return parts.length === 0 ? undefined : parts.join(',');
};

const limitOf = (missing: number): number => Math.max(1, Math.min(PAGE, missing));

/** Most items that are looked at for those that are kept. */
const MOST_LOOKED_AT = 20_000;

/** The first `limit` items of a collection that are to be kept, newest first, page by page. */
export async function listed<T>(
  client: ApiClient,
  path: string,
  terms: Terms,
  limit: number,
  signal?: AbortSignal,
  keep?: (item: T) => boolean,
): Promise<Listed<T>> {
  const items: T[] = [];
  let seen = 0;
  const selector = fieldSelector(terms);
  let after: string | undefined;
  do {
    const query = { fieldSelector: selector, limit: keep === undefined ? limitOf(limit - items.length) : PAGE, continue: after };
    const page = (await client.transport.json({ method: 'GET', path, query, signal })) as Page<T>;
    items.push(...(page.items ?? []).filter((item) => keep?.(item) ?? true));
    seen += page.items?.length ?? 0;
    after = page.metadata?.continue;
  } while (after !== undefined && after !== '' && items.length < limit && seen < MOST_LOOKED_AT);
  return { items: items.slice(0, limit), more: (after !== undefined && after !== '') || items.length > limit };
}

/** What the API says of an object, wherever it is: `namespace` is where to look, unless the kind has none. */
export async function revisionsOf(
  client: ApiClient,
  object: NamedObject,
  namespace: string,
  terms: Terms,
  limit: number,
  signal?: AbortSignal,
): Promise<Listed<Revision>> {
  const selected = { 'object.group': object.group, 'object.resource': object.resource, 'object.name': object.name, ...terms };
  const within = (place: string | undefined): Promise<Listed<Revision>> =>
    listed<Revision>(client, historyPath('revisions', place), selected, limit, signal);
  if (object.namespaced === true) return within(namespace);
  const inNone = ({ items, more }: Listed<Revision>): Listed<Revision> => ({
    items: items.filter(({ object: { namespace: place } }) => place === undefined || place === ''),
    more,
  });
  if (object.namespaced === false) return inNone(await within(undefined));
  // Nobody serves the kind any more: it may have been of either sort.
  const found = await within(namespace);
  return found.items.length > 0 ? found : inNone(await within(undefined));
}

/** One object of the API group by its name. */
export async function named<T extends Revision | Cause | Activity>(
  client: ApiClient,
  resource: 'revisions' | 'causes' | 'activities',
  namespace: string | undefined,
  name: string,
): Promise<T> {
  return (await client.transport.json({ method: 'GET', path: historyPath(resource, namespace, name) })) as T;
}

/** A list as `-o json` and `-o yaml` print it. */
export const listObject = <T extends { readonly metadata: ObjectMeta }>(kind: string, items: readonly T[]): object => ({
  apiVersion: `${HISTORY_GROUP}/${HISTORY_VERSION}`,
  kind,
  metadata: {},
  items,
});

/** That an object has no history: it was never there, or nothing fits. */
export const nothingOf = (what: string, where: string, narrowed: boolean): Failure =>
  new Failure(`${what} has no history${where}${narrowed ? ' that fits' : ''}`, [
    narrowed
      ? 'Leave out what narrows it: --since, --until, --fields, --no-status, --at.'
      : 'Is the name right, and the namespace (-n)? Objects that are gone are found by the name they had.',
  ]);
