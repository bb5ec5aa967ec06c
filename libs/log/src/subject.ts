import type { GroupVersionResource } from '#libs/apimachinery';
import type { StreamName } from './event.js';
import { STREAMS } from './event.js';

/** What a subject says: the object it belongs to. `namespace` is empty for a cluster-scoped object. */
export interface SubjectParts {
  readonly cluster: string;
  readonly stream: StreamName;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

type GroupResource = Pick<GroupVersionResource, 'group' | 'resource'>;

const UNSAFE = /[^A-Za-z0-9:-]/;
const encoder = new TextEncoder();

/** One token: every character outside `[A-Za-z0-9:-]` as its UTF-8 bytes, each `%` and two hex digits. */
export function encodeToken(text: string): string {
  if (!UNSAFE.test(text)) return text;
  let token = '';
  for (const char of text) {
    if (!UNSAFE.test(char)) token += char;
    else for (const byte of encoder.encode(char)) token += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The text a token stands for. Throws URIError on one that `encodeToken` can't have written. */
export const decodeToken = (token: string): string => (token.includes('%') ? decodeURIComponent(token) : token);

const groupToken = (group: string): string => (group === '' ? 'core' : group.replaceAll('.', '_'));

/**
 * The subject of an object: `decklog.<cluster>.<stream>.<group>.<resource>.<namespace>.<name>`, always seven tokens.
 * The core group is `core`, dots of a group are `_`, no namespace is `_`.
 */
export function subjectOf(
  cluster: string,
  stream: StreamName,
  { group, resource }: GroupResource,
  namespace: string | undefined,
  name: string,
): string {
  return subjectFilter(cluster, stream, { group, resource }, namespace ?? '', name);
}

/** The subjects of several objects, for `ReadOptions.subjects`: what is left out matches all. `namespace` '' is "cluster-scoped". */
export function subjectFilter(cluster: string, stream: StreamName, resource?: GroupResource, namespace?: string, name?: string): string {
  const head = `decklog.${encodeToken(cluster)}.${stream}`;
  const kind = resource === undefined ? '*.*' : `${groupToken(resource.group)}.${encodeToken(resource.resource)}`;
  const place = namespace === undefined ? '*' : namespace === '' ? '_' : encodeToken(namespace);
  return `${head}.${kind}.${place}.${name === undefined ? '*' : encodeToken(name)}`;
}

const isStream = (token: string): token is StreamName => (STREAMS as readonly string[]).includes(token);

/** The object a subject belongs to; undefined for subjects that are no object's (markers of guards). */
export function parseSubject(subject: string): SubjectParts | undefined {
  const [root, cluster, stream, group, resource, namespace, name, ...more] = subject.split('.');
  if (root !== 'decklog' || cluster === undefined || stream === undefined || !isStream(stream) || more.length > 0) return undefined;
  if (group === undefined || resource === undefined || namespace === undefined || name === undefined) return undefined;
  return {
    cluster: decodeToken(cluster),
    stream,
    group: group === 'core' ? '' : group.replaceAll('_', '.'),
    resource: decodeToken(resource),
    namespace: namespace === '_' ? '' : decodeToken(namespace),
    name: decodeToken(name),
  };
}

/**
 * Where the marker of a guard is stored: eight tokens, `decklog.<cluster>.<stream>.guard.` and the last four of the
 * guarded subject. A marker holds no event; it exists because a message can carry one expectation only.
 */
export function guardSubject(subject: string): string {
  const [root, cluster, stream, ...rest] = subject.split('.');
  return [root, cluster, stream, 'guard', ...rest].join('.');
}

/** Where a mark is stored by whoever asks of several servers which of them leads: it holds no event. */
export const markSubject = (cluster: string, stream: StreamName): string => `decklog.${encodeToken(cluster)}.${stream}.mark`;
