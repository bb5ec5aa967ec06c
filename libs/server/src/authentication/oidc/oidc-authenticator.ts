import jwt from 'jsonwebtoken';
import { quotedList, type Instant } from '#libs/apimachinery';
import type { User } from '../../authorization/authorizer.js';
import { issuerOf } from '../token-keys.js';
import { SIGNING_ALGORITHMS, type JwtSettings, type SigningAlgorithm } from './configuration.js';
import type { RemoteKeySet } from './key-set.js';
import type { Claims } from './user-mapping.js';

const MAX_REMEMBERED = 1_000;

/**
 * Believes ID tokens of one OpenID Connect issuer, and makes users of their claims (plugin/pkg/authenticator/token/oidc).
 * Undefined for tokens that others issued.
 */
export class OidcAuthenticator {
  /** Claims whose signature has been seen to be good, by token. */
  readonly #verified = new Map<string, Claims>();

  constructor(
    private readonly settings: JwtSettings,
    private readonly keys: RemoteKeySet,
    private readonly now: () => Instant,
    private readonly userOf: (claims: Claims) => User | string,
  ) {}

  async find(token: string): Promise<User | string | undefined> {
    if (issuerOf(token) !== this.settings.issuer.url) return undefined;
    const claims = this.#verified.get(token) ?? (await this.#verify(token));
    if (typeof claims === 'string') return `oidc: verify token: ${claims}`;
    this.#remember(token, claims);
    return this.#untimely(claims) ?? this.#notForUs(claims) ?? this.userOf(claims);
  }

  async #verify(token: string): Promise<Claims | string> {
    const header = headerOf(token);
    const algorithms = this.settings.signingAlgorithms ?? SIGNING_ALGORITHMS;
    if (header === undefined) return 'oidc: malformed jwt';
    if (!(algorithms as readonly string[]).includes(header.alg)) {
      return `oidc: malformed jwt: unexpected signature algorithm ${JSON.stringify(header.alg)}; expected ${quotedList(algorithms)}`;
    }
    for (const key of await this.keys.keysFor(header.kid)) {
      try {
        const claims = jwt.verify(token, key, {
          algorithms: [header.alg as SigningAlgorithm],
          ignoreExpiration: true,
          ignoreNotBefore: true,
        });
        if (typeof claims === 'object') return claims;
      } catch {
        // Another key of the set may be the one.
      }
    }
    const why = this.keys.problem === undefined ? 'failed to verify id token signature' : `fetching keys ${this.keys.problem}`;
    return `failed to verify signature: ${why}`;
  }

  #untimely({ exp, nbf }: Claims): string | undefined {
    const seconds = this.now() / 1000;
    if (typeof exp !== 'number' || seconds > exp) return 'oidc: verify token: oidc: token is expired';
    // Clocks of issuers run ahead: go-oidc's allowance.
    if (typeof nbf === 'number' && seconds + 300 < nbf) return 'oidc: verify token: oidc: current time before the nbf (not before) time';
    return undefined;
  }

  #notForUs({ aud }: Claims): string | undefined {
    const meant = (Array.isArray(aud) ? aud : [aud]).filter((audience): audience is string => typeof audience === 'string');
    const { audiences } = this.settings.issuer;
    if (meant.some((audience) => audiences.includes(audience))) return undefined;
    return `oidc: verify token: oidc: expected audience in ${quotedList(audiences)} got ${quotedList(meant)}`;
  }

  #remember(token: string, claims: Claims): void {
    this.#verified.delete(token);
    this.#verified.set(token, claims);
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size <= MAX_REMEMBERED) return;
      this.#verified.delete(oldest);
    }
  }
}

function headerOf(token: string): { readonly alg: string; readonly kid: string | undefined } | undefined {
  try {
    const header = jwt.decode(token, { complete: true })?.header;
    return typeof header?.alg === 'string' ? { alg: header.alg, kid: typeof header.kid === 'string' ? header.kid : undefined } : undefined;
  } catch {
    return undefined;
  }
}
