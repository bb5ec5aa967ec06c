import type { IncomingMessage } from 'node:http';
import { StatusError } from '#libs/apimachinery';
import { unescaped, valuesOf } from '../authentication/request-header.js';
import { refusal, type Authorizer, type AuthorizerAttributes, type User } from './authorizer.js';

const EXTRA = 'impersonate-extra-';
const ANY = /^impersonate-(user|uid|group|extra-)/;
/** Things that one request may ask to be: each costs a question to the authorizer. */
const MAX_WANTED = 1_000;

/** One thing somebody wants to be, as the authorizer is asked for it. */
interface Wanted {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  readonly namespace: string;
}

const wanted = (group: string, resource: string, name: string, subresource = '', namespace = ''): Wanted => ({
  group,
  resource,
  name,
  subresource,
  namespace,
});

/** What the `Impersonate-*` headers ask for. */
interface Asked {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

function askedBy(raw: readonly string[]): Asked {
  const headers = valuesOf(raw);
  const extra: Record<string, readonly string[]> = {};
  for (const [header, values] of headers) {
    if (!header.startsWith(EXTRA)) continue;
    const key = unescaped(header.slice(EXTRA.length));
    extra[key] = [...(extra[key] ?? []), ...values];
  }
  return {
    user: headers.get('impersonate-user')?.[0] ?? '',
    uid: headers.get('impersonate-uid')?.[0] ?? '',
    groups: headers.get('impersonate-group') ?? [],
    extra,
  };
}

/**
 * The user somebody asks to act as (`Impersonate-*` headers), or the user himself. Each user, uid, group and extra
 * value has to be allowed by the authorizer, verb `impersonate` (apiserver `filters/impersonation.go`). Throws Forbidden,
 * or InternalError as upstream for groups without a user.
 */
export async function impersonated(user: User, request: IncomingMessage, authorizer: Authorizer): Promise<User> {
  if (!Object.keys(request.headers).some((header) => ANY.test(header))) return user;
  const asked = askedBy(request.rawHeaders);
  const { user: name, uid, groups, extra } = asked;
  const others = groups.length > 0 || Object.keys(extra).length > 0 || uid !== '';
  if (name === '') {
    if (!others) return user;
    throw new StatusError('InternalError', 'Internal error occurred: requested impersonation without impersonating a user', {});
  }
  const account = accountOf(name);
  const all: readonly Wanted[] = [
    account ? wanted('', 'serviceaccounts', account.name, '', account.namespace) : wanted('', 'users', name),
    ...groups.map((group) => wanted('', 'groups', group)),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => wanted('authentication.k8s.io', 'userextras', value, key))),
    ...(uid === '' ? [] : [wanted('authentication.k8s.io', 'uids', uid)]),
  ];
  if (all.length > MAX_WANTED) throw new StatusError('Forbidden', `more than ${MAX_WANTED} impersonation headers`, {});
  for (const each of all) {
    const version = each.group === '' ? '' : 'v1';
    const attributes: AuthorizerAttributes = { kind: 'resource', user, verb: 'impersonate', version, ...each };
    const { allowed, reason } = await authorizer(attributes);
    if (!allowed) throw refusal(attributes, reason);
  }
  const held = groups.length > 0 || !account ? groups : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  return {
    name,
    ...(uid === '' ? {} : { uid }),
    groups: withLast(name, held),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
    impersonator: user.name,
  };
}

/** A service account that is named as a user; undefined for other names (`SplitUsername`). */
function accountOf(name: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, account] = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/.exec(name) ?? [];
  return namespace === undefined || account === undefined ? undefined : { namespace, name: account };
}

/** Everybody but the anonymous is among the authenticated, unless the groups asked for say otherwise. */
function withLast(name: string, groups: readonly string[]): readonly string[] {
  const unauthenticated = groups.includes('system:unauthenticated');
  if (name === 'system:anonymous') return unauthenticated ? groups : [...groups, 'system:unauthenticated'];
  return unauthenticated || groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated'];
}
