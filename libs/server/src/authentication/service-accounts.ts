import { timingSafeEqual } from 'node:crypto';
import { NODES, PODS, SECRETS, SERVICEACCOUNTS, type Secret } from '#libs/api';
import { quotedList, type GroupVersionResource, type Instant, type KubeObject } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { User } from '../authorization/authorizer.js';
import { LEGACY_ISSUER, readLegacyClaims } from './legacy-claims.js';
import type { TokenAuthenticator, TokenOutcome } from './token-authenticator.js';
import { isTokenClaims, type TokenClaims } from './token-claims.js';
import { issuerOf, type TokenKeys } from './token-keys.js';

/** Upstream's allowance for clocks that differ, in seconds. */
const LEEWAY_S = 60;
/** Verified signatures remembered, so that a client's every request does not cost one. */
const MAX_REMEMBERED = 10_000;
const INVALIDATED = 'service account token has been invalidated';
/** Label of a Secret whose token is no longer to be believed. */
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';

type Claims = Readonly<Record<string, unknown>>;

/** What service account tokens are checked against. */
export interface ServiceAccountSources {
  readonly keys: TokenKeys;
  /** Issuers whose tokens are believed; the first one is what new tokens say. */
  readonly issuers: readonly string[];
  /** What a token without audiences is for. */
  readonly audiences: readonly string[];
  readonly view: Pick<StateView, 'entry'>;
  readonly now: () => Instant;
  /** Called where a token is used beyond the time at which it should have been renewed, and for a token of a Secret. */
  readonly noticed?: (what: 'stale-token' | 'legacy-token') => void;
}

/**
 * Believes tokens of service accounts: signed here, in time, for an audience that is wanted, and only as long as the
 * account and whatever the token is bound to still exist with the uids it names (pkg/serviceaccount).
 */
export class ServiceAccountAuthenticator implements TokenAuthenticator {
  /** Claims of verified tokens; a signature once good stays good, everything else is checked each time. */
  private readonly verified = new Map<string, Claims>();

  constructor(private readonly sources: ServiceAccountSources) {}

  /** The token's user, or a sentence that says why it is not believed. */
  authenticate(token: string, wanted: readonly string[]): TokenOutcome {
    const claims = this.claimsOf(token);
    if (claims === undefined || typeof claims === 'string') return claims;
    const legacy = claims['iss'] === LEGACY_ISSUER;
    const named = claims['aud'];
    const own = this.sources.audiences;
    const meant = legacy || !Array.isArray(named) || named.length === 0 ? own : (named as readonly string[]);
    const audiences = wanted.filter((audience) => meant.includes(audience));
    if (audiences.length === 0) return `token audiences ${quotedList(meant)} is invalid for the target audiences ${quotedList(wanted)}`;
    const user = legacy ? this.legacyUser(token, claims) : this.user(claims);
    return typeof user === 'string' ? user : { user, audiences };
  }

  /** Undefined where the token is not one of ours. */
  private claimsOf(token: string): Claims | string | undefined {
    const known = this.verified.get(token);
    if (known !== undefined) return known;
    const issuer = issuerOf(token);
    if (issuer !== LEGACY_ISSUER && !this.sources.issuers.includes(issuer ?? '')) return undefined;
    const claims = this.sources.keys.verified(token);
    if (claims === undefined) return 'invalid bearer token';
    this.verified.set(token, claims);
    for (const oldest of this.verified.keys()) {
      if (this.verified.size <= MAX_REMEMBERED) break;
      this.verified.delete(oldest);
    }
    return claims;
  }

  private user(claims: Claims): User | string {
    if (!isTokenClaims(claims)) return 'service account token claims could not be validated due to unexpected private claim';
    const seconds = this.sources.now() / 1000;
    if (seconds > claims.exp + LEEWAY_S) return 'service account token has expired';
    if (typeof claims.nbf === 'number' && seconds < claims.nbf - LEEWAY_S) return 'service account token is not valid yet';
    const problem = this.ended(claims);
    if (problem !== undefined) return problem;
    const { warnafter } = claims['kubernetes.io'];
    if (warnafter !== undefined && seconds > warnafter) this.sources.noticed?.('stale-token');
    return userOf(claims);
  }

  /** Why the token is no longer good; undefined: it is. */
  private ended({ 'kubernetes.io': claims }: TokenClaims): string | undefined {
    const { namespace, serviceaccount, pod, secret, node } = claims;
    const account = this.find(SERVICEACCOUNTS, namespace, serviceaccount.name);
    if (account === undefined) return `serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`;
    if (!this.alive(account)) return `service account ${namespace}/${serviceaccount.name} has been deleted`;
    if (account.metadata.uid !== serviceaccount.uid)
      return `service account UID (${account.metadata.uid ?? ''}) does not match claim (${serviceaccount.uid})`;
    const bound =
      (secret && this.endedWith(SECRETS, namespace, secret, 'secret')) ??
      (pod && this.endedWith(PODS, namespace, pod, 'pod')) ??
      // A pod's token names its node for information; only a token bound to the node alone ends with it.
      (pod === undefined && node && this.endedWith(NODES, '', node, 'node'));
    return bound === false ? undefined : bound;
  }

  private endedWith(
    resource: GroupVersionResource,
    namespace: string,
    { name, uid }: { readonly name: string; readonly uid: string },
    word: string,
  ): string | undefined {
    const found = this.find(resource, namespace, name);
    if (found === undefined || !this.alive(found)) return INVALIDATED;
    return found.metadata.uid === uid
      ? undefined
      : `${word} UID (${found.metadata.uid ?? ''}) does not match service account ${word} ref claim (${uid})`;
  }

  private legacyUser(token: string, claims: Claims): User | string {
    const read = readLegacyClaims(claims);
    if (typeof read === 'string') return read;
    const { namespace, secret: secretName, account: accountName, accountUid } = read;
    const secret = this.find(SECRETS, namespace, secretName) as Secret | undefined;
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) return INVALIDATED;
    if (!same(Buffer.from(secret.data?.['token'] ?? '', 'base64'), Buffer.from(token)))
      return "service account token does not match server's copy";
    const account = this.find(SERVICEACCOUNTS, namespace, accountName);
    if (account === undefined) return `serviceaccounts ${JSON.stringify(accountName)} not found`;
    if (account.metadata.deletionTimestamp !== undefined) return `service account ${namespace}/${accountName} has been deleted`;
    if (account.metadata.uid !== accountUid)
      return `service account UID (${account.metadata.uid ?? ''}) does not match claim (${accountUid})`;
    if (secret.metadata.labels?.[INVALID_SINCE] !== undefined) {
      return (
        `the token in secret ${namespace}/${secretName} for service account ${namespace}/${accountName} has been marked invalid. ` +
        `Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label ` +
        'from the secret to temporarily allow use of this token'
      );
    }
    this.sources.noticed?.('legacy-token');
    return { name: `system:serviceaccount:${namespace}:${accountName}`, uid: accountUid, groups: groupsOf(namespace) };
  }

  private find(resource: GroupVersionResource, namespace: string, name: string): KubeObject | undefined {
    return this.sources.view.entry(resource, namespace, name)?.object;
  }

  /** Upstream's allowance: a minute after its grace period, a token of something deleted is refused. */
  private alive({ metadata: { deletionTimestamp } }: KubeObject): boolean {
    return deletionTimestamp === undefined || this.sources.now() <= Date.parse(deletionTimestamp) + LEEWAY_S * 1000;
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
const groupsOf = (namespace: string): readonly string[] => ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];

function userOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: TokenClaims): User {
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: groupsOf(namespace),
    extra: {
      ...(jti === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }),
      ...(node === undefined
        ? {}
        : { 'authentication.kubernetes.io/node-name': [node.name], 'authentication.kubernetes.io/node-uid': [node.uid] }),
      ...(pod === undefined
        ? {}
        : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  };
}
