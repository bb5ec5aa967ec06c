import type { Instant } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { TokenSettings } from '../options.js';
import { Authenticator } from './authenticator.js';
import { bootstrapTokens } from './bootstrap-tokens.js';
import { authenticationConfigurationOf, type AuthenticationConfiguration, type JwtSettings } from './oidc/configuration.js';
import { httpsJson, RemoteKeySet } from './oidc/key-set.js';
import { OidcAuthenticator } from './oidc/oidc-authenticator.js';
import { userMapping } from './oidc/user-mapping.js';
import { ServiceAccountAuthenticator } from './service-accounts.js';
import type { AuthenticationSettings } from './settings.js';
import { staticTokens } from './static-tokens.js';
import { audienceAgnostic, TokenUnion, type TokenAuthenticator } from './token-authenticator.js';
import { TokenKeys } from './token-keys.js';

/** What authentication is made of. */
export interface AuthenticationSources {
  readonly tokens: TokenSettings;
  readonly settings: AuthenticationSettings;
  readonly clientCa: string;
  readonly view: Pick<StateView, 'entry'>;
  readonly now: () => Instant;
  readonly noticed?: (what: 'stale-token' | 'legacy-token') => void;
}

/** All that says who somebody is, put together in upstream's order. */
export interface Authentication {
  readonly authenticator: Authenticator;
  /** Believes any bearer token: for requests and for TokenReview. */
  readonly tokens: TokenUnion;
  readonly keys: TokenKeys;
  readonly issuer: string;
  /** What a token must be for to be accepted here. */
  readonly audiences: readonly string[];
}

/** Throws where a setting can't be read. */
export function authentication({ tokens, settings, clientCa, view, now, noticed }: AuthenticationSources): Authentication {
  const keys = new TokenKeys(tokens.signingKey, tokens.verifyingKeys);
  const { issuer } = tokens;
  const audiences = tokens.audiences ?? [issuer];
  const configuration: AuthenticationConfiguration =
    settings.configuration === undefined ? { jwt: [] } : authenticationConfigurationOf(settings.configuration);
  if (configuration.jwt.some((each) => each.issuer.url === issuer)) {
    throw new Error(`the authentication configuration does not fit: ${issuer} is the issuer of service account tokens`);
  }
  const inOrder: readonly TokenAuthenticator[] = [
    ...(settings.tokenFile === undefined ? [] : [audienceAgnostic(audiences, staticTokens(settings.tokenFile))]),
    new ServiceAccountAuthenticator({ keys, issuers: [issuer], audiences, view, now, ...(noticed ? { noticed } : {}) }),
    audienceAgnostic(audiences, bootstrapTokens(view, now)),
    ...configuration.jwt.map((each, i) => audienceAgnostic(audiences, oidc(each, now, userMapping(each, `jwt[${i}]`)))),
  ];
  const union = new TokenUnion(inOrder);
  const authenticator = new Authenticator({
    tokens: union,
    audiences,
    clientCa,
    now,
    ...(settings.requestHeader ? { requestHeader: settings.requestHeader } : {}),
    ...(configuration.anonymous ? { anonymous: configuration.anonymous } : {}),
  });
  return { authenticator, tokens: union, keys, issuer, audiences };
}

function oidc(
  settings: JwtSettings,
  now: () => Instant,
  userOf: ReturnType<typeof userMapping>,
): (token: string) => ReturnType<OidcAuthenticator['find']> {
  const { url, discoveryURL, jwksURL, certificateAuthority } = settings.issuer;
  const keys = new RemoteKeySet({ issuer: url, discoveryURL, jwksURL }, httpsJson(certificateAuthority), now);
  const authenticator = new OidcAuthenticator(settings, keys, now, userOf);
  return (token) => authenticator.find(token);
}
