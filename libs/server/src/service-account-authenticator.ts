import { NODES, PODS, SECRETS, SERVICEACCOUNTS } from '#libs/api';
import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { User } from './authorizer.js';
import type { TokenClaims, TokenKeys } from './tokens.js';

/** A token that was believed: whose it is, and for which of the wanted audiences. */
export interface AuthenticatedToken {
  readonly user: User;
  readonly audiences: readonly string[];
}

/** Upstream's allowance for clocks that differ, in seconds. */
const LEEWAY_S = 60;
/** Verified signatures remembered, so that a client's every request does not cost one. */
const MAX_REMEMBERED = 10_000;

/**
 * Believes tokens of service accounts: signed here, in time, for an audience that is wanted, and only as long as the
 * account and whatever the token is bound to still exist with the uids it names.
 */
export class ServiceAccountAuthenticator {
  /** Claims of verified tokens; a signature once good stays good, everything else is checked each time. */
  private readonly verified = new Map<string, TokenClaims>();

  constructor(
    private readonly keys: TokenKeys,
    private readonly issuer: string,
    private readonly view: StateView,
    private readonly now: () => Instant,
  ) {}

  /** The token's user, or a sentence that says why it is not believed. */
  authenticate(token: string, wanted: readonly string[]): AuthenticatedToken | string {
    const claims = this.verified.get(token) ?? this.keys.verified(token);
    if (claims === undefined) return 'invalid bearer token';
    this.remember(token, claims);
    const seconds = this.now() / 1000;
    if (claims.iss !== this.issuer) return 'invalid bearer token';
    if (seconds > claims.exp + LEEWAY_S) return 'service account token has expired';
    if (typeof claims.nbf === 'number' && seconds < claims.nbf - LEEWAY_S) return 'service account token is not valid yet';
    const audiences = wanted.filter((audience) => claims.aud.includes(audience));
    if (audiences.length === 0) return `token audiences ${show(claims.aud)} is invalid for the target audiences ${show(wanted)}`;
    return this.bound(claims) ?? { user: userOf(claims), audiences };
  }

  /** Why the token is no longer good; undefined: it is. */
  private bound({ 'kubernetes.io': claims }: TokenClaims): string | undefined {
    const { namespace, serviceaccount, pod, secret, node } = claims;
    if (!this.alive(SERVICEACCOUNTS, namespace, serviceaccount)) return 'service account token has been invalidated';
    if (pod !== undefined && !this.alive(PODS, namespace, pod)) return 'pod bound to the token is gone';
    if (secret !== undefined && !this.alive(SECRETS, namespace, secret)) return 'service account token has been invalidated';
    // A pod's token names its node for information; only a token bound to the node alone ends with it.
    if (pod === undefined && node !== undefined && !this.alive(NODES, '', node)) return 'node bound to the token is gone';
    return undefined;
  }

  private alive(
    resource: GroupVersionResource,
    namespace: string,
    { name, uid }: { readonly name: string; readonly uid: string },
  ): boolean {
    const metadata = this.view.entry(resource, namespace, name)?.object.metadata;
    if (metadata === undefined || metadata.uid !== uid) return false;
    // Upstream's allowance: a minute after its grace period, a token of something deleted is refused.
    const deleted = metadata.deletionTimestamp;
    return deleted === undefined || this.now() <= Date.parse(deleted) + LEEWAY_S * 1000;
  }

  private remember(token: string, claims: TokenClaims): void {
    if (this.verified.has(token)) return;
    this.verified.set(token, claims);
    for (const oldest of this.verified.keys()) {
      if (this.verified.size <= MAX_REMEMBERED) return;
      this.verified.delete(oldest);
    }
  }
}

const show = (audiences: readonly string[]): string => `[${audiences.map((audience) => JSON.stringify(audience)).join(' ')}]`;

function userOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: TokenClaims): User {
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${jti}`],
      ...(node === undefined
        ? {}
        : { 'authentication.kubernetes.io/node-name': [node.name], 'authentication.kubernetes.io/node-uid': [node.uid] }),
      ...(pod === undefined
        ? {}
        : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  };
}
