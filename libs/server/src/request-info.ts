import { badRequest } from '#libs/apimachinery';

/** What a request's method and path mean: apiserver `request.RequestInfo`. */
export interface RequestInfo {
  readonly path: string;
  readonly verb: string;
  /** Whether the path names a resource; otherwise only `path` and `verb` count. */
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows a subresource, decoded: the path behind `nodes/x/proxy`. */
  readonly rest: readonly string[];
}

const VERB_OF: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; anything else behind a namespace's name is a resource inside it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Reads method, path and query. Throws BadRequest where the path is not valid percent-encoding. */
export function requestInfoOf(method: string, path: string, query: URLSearchParams): RequestInfo {
  const plain: RequestInfo = {
    path,
    verb: method.toLowerCase(),
    resourceRequest: false,
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: [],
  };
  const parts = segmentsOf(path);
  const grouped = parts[0] === 'apis';
  if (!grouped && parts[0] !== 'api') return plain;
  const minimum = grouped ? 4 : 3;
  if (parts.length < minimum) return plain;
  const group = grouped ? (parts[1] ?? '') : '';
  const version = parts[minimum - 2] ?? '';
  let tail = parts.slice(minimum - 1);
  let verb = VERB_OF[method] ?? method.toLowerCase();
  // The old form of a watch: /api/v1/watch/pods.
  if (tail[0] === 'watch' && tail.length > 1) {
    verb = 'watch';
    tail = tail.slice(1);
  }
  const place = placeOf(tail);
  const { name } = place;
  if (verb === 'get' && name === '') verb = truthy(query.get('watch')) ? 'watch' : 'list';
  if (verb === 'delete' && name === '') verb = 'deletecollection';
  return { ...plain, verb, resourceRequest: true, group, version, ...place };
}

function placeOf(tail: readonly string[]): Pick<RequestInfo, 'namespace' | 'resource' | 'subresource' | 'name' | 'rest'> {
  let namespace = '';
  let parts = tail;
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1] ?? '';
    const third = parts[2];
    if (third !== undefined && !NAMESPACE_SUBRESOURCES.has(third)) parts = parts.slice(2);
  }
  return { namespace, resource: parts[0] ?? '', name: parts[1] ?? '', subresource: parts[2] ?? '', rest: parts.slice(3) };
}

/** The decoded segments of a path; empty ones at either end are dropped. */
function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  if (trimmed === '') return [];
  if (!trimmed.includes('%')) return trimmed.split('/');
  try {
    return trimmed.split('/').map(decodeURIComponent);
  } catch {
    throw badRequest('invalid URL escape');
  }
}

/** A query flag as Go's conversion of form values reads it: present without a value, or true. */
export const truthy = (value: string | null): boolean => value !== null && value !== '0' && value.toLowerCase() !== 'false';
