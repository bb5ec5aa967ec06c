import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '#libs/apimachinery';
import { refusal, type Authorizer, type AuthorizerAttributes, type User } from './authorizer.js';

const EXTRA = 'impersonate-extra-';

/**
 * The user somebody asks to act as (`Impersonate-*` headers), or the user himself. Each user, uid, group and extra
 * value has to be allowed by the authorizer, verb `impersonate`. Throws Forbidden, or BadRequest for groups without a user.
 */
export async function impersonated(user: User, headers: IncomingHttpHeaders, authorizer: Authorizer): Promise<User> {
  const name = one(headers['impersonate-user']);
  const uid = one(headers['impersonate-uid']);
  const groups = many(headers['impersonate-group']);
  const extras = Object.entries(headers).filter(([key]) => key.startsWith(EXTRA));
  if (name === undefined) {
    if (groups.length === 0 && uid === undefined && extras.length === 0) return user;
    throw badRequest('requested impersonation without impersonating a user');
  }
  const wanted: [group: string, resource: string, name: string, subresource: string, namespace: string][] = [];
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (account) wanted.push(['', 'serviceaccounts', account[2] ?? '', '', account[1] ?? '']);
  else wanted.push(['', 'users', name, '', '']);
  for (const group of groups) wanted.push(['', 'groups', group, '', '']);
  if (uid !== undefined) wanted.push(['authentication.k8s.io', 'uids', uid, '', '']);
  const extra: Record<string, readonly string[]> = {};
  for (const [key, value] of extras) {
    const field = decodeURIComponent(key.slice(EXTRA.length));
    extra[field] = many(value);
    for (const text of extra[field]) wanted.push(['authentication.k8s.io', 'userextras', text, field, '']);
  }
  for (const [group, resource, wantedName, subresource, namespace] of wanted) {
    const attributes: AuthorizerAttributes = {
      kind: 'resource',
      user,
      verb: 'impersonate',
      group,
      version: 'v1',
      resource,
      subresource,
      namespace,
      name: wantedName,
    };
    const { allowed, reason } = await authorizer(attributes);
    if (!allowed) throw refusal(attributes, reason);
  }
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...new Set([...groups, ...(account ? accountGroups(account[1] ?? '', groups) : []), lastGroup(name)])],
    ...(extras.length === 0 ? {} : { extra }),
    impersonator: user.name,
  };
}

/** A service account impersonated without groups gets those it would have. */
const accountGroups = (namespace: string, groups: readonly string[]): readonly string[] =>
  groups.length > 0 ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];

const lastGroup = (name: string): string => (name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated');

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

const many = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : value.split(',').map((text) => text.trim());
