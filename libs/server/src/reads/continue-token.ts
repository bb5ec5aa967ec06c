import { badRequest } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';

/** Where a page ended: upstream's token, `{v, rv, start}` in base64url. */
export interface ContinueToken {
  /** The sequence the whole list stands at; -1: go on at whatever is current (an inconsistent continuation). */
  readonly sequence: Sequence;
  /** The last object of the page before. */
  readonly after: { readonly namespace: string; readonly name: string };
}

const VERSION = 'meta.k8s.io/v1';

/** The token of a page that ended with `after`; `namespace` is that of the list, '' for all. */
export function encodeContinue(token: ContinueToken, namespace: string): string {
  const { after } = token;
  // Upstream's start key is the first one not returned: the last key with a zero byte behind it.
  const start = namespace !== '' || after.namespace === '' ? `${after.name}\u0000` : `${after.namespace}/${after.name}\u0000`;
  return Buffer.from(JSON.stringify({ v: VERSION, rv: token.sequence, start })).toString('base64url');
}

/** Reads a token. Throws 400 in upstream's words. */
export function decodeContinue(text: string, namespace: string, namespaced: boolean): ContinueToken {
  const fail = (why: string): Error => badRequest(`continue key is not valid${why}`);
  const json = Buffer.from(text, 'base64url');
  if (json.toString('base64url') !== text) throw fail(': illegal base64 data');
  let parsed: { v?: unknown; rv?: unknown; start?: unknown } | null;
  try {
    parsed = JSON.parse(json.toString('utf8')) as typeof parsed;
  } catch {
    throw fail(': invalid character in continue token');
  }
  const { v = '', rv, start } = parsed ?? {};
  if (v !== VERSION) throw fail(`: server does not recognize this encoded version ${typeof v === 'string' ? v : JSON.stringify(v)}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw fail(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || start === '') throw fail(': encoded start key empty (version meta.k8s.io/v1)');
  if (start.split('/').some((part) => part === '' || part === '.' || part === '..')) throw fail(`: ${start}`);
  const key = start.endsWith('\u0000') ? start.slice(0, -1) : start;
  const slash = key.indexOf('/');
  if (namespace === '' && namespaced && slash > 0) {
    return { sequence: rv, after: { namespace: key.slice(0, slash), name: key.slice(slash + 1) } };
  }
  return { sequence: rv, after: { namespace, name: key } };
}
