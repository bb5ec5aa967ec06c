import { timingSafeEqual } from 'node:crypto';
import { SECRETS, type Secret } from '#libs/api';
import type { Instant } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { User } from '../authorization/authorizer.js';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const EVERYBODY = 'system:bootstrappers';

/**
 * The user of a bootstrap token: a Secret `bootstrap-token-<id>` in kube-system, of its type, not expired and meant for
 * authentication (plugin/pkg/auth/authenticator/token/bootstrap). Whatever is wrong with it, it is nobody's token.
 */
export function bootstrapTokens(view: Pick<StateView, 'entry'>, now: () => Instant): (token: string) => User | undefined {
  return (token) => {
    const [, id, secret] = TOKEN.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = view.entry(SECRETS, 'kube-system', `bootstrap-token-${id}`)?.object as Secret | undefined;
    if (found?.type !== 'bootstrap.kubernetes.io/token' || found.metadata.deletionTimestamp !== undefined) return undefined;
    const value = (key: string): string => Buffer.from(found.data?.[key] ?? '', 'base64').toString('utf8');
    if (!same(value('token-secret'), secret) || value('token-id') !== id) return undefined;
    if (expired(value('expiration'), now()) || value('usage-bootstrap-authentication') !== 'true') return undefined;
    const extra = value('auth-extra-groups');
    const groups = extra === '' ? [] : [...new Set(extra.split(','))];
    if (!groups.every((group) => GROUP.test(group))) return undefined;
    return { name: `system:bootstrap:${id}`, groups: [EVERYBODY, ...groups].sort() };
  };
}

/** A time that can't be read is over. */
const expired = (expiration: string, now: Instant): boolean => expiration !== '' && !(Date.parse(expiration) > now);

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
