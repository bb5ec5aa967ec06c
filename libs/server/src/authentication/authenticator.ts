import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { StatusError, type Instant } from '#libs/apimachinery';
import type { User } from '../authorization/authorizer.js';
import { bearerOf } from './bearer.js';
import { certificatesOf, certifiedUser, commonNameOf, shownCertificate, signedBy, type ShownCertificate } from './client-certificate.js';
import { requestHeaders, type RequestHeaderSettings } from './request-header.js';
import type { AuthenticatedToken } from './token-authenticator.js';

const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const AUTHENTICATED = 'system:authenticated';

/** Who may come without credentials: everybody, nobody, or those who ask for one of these paths. */
export interface AnonymousSettings {
  readonly enabled: boolean;
  readonly paths?: readonly string[];
}

/** What requests are authenticated by. */
export interface AuthenticatorSources {
  /** Believes bearer tokens. */
  readonly tokens: { authenticate(token: string, wanted: readonly string[]): Promise<AuthenticatedToken | string> };
  /** What tokens must be for. */
  readonly audiences: readonly string[];
  /** The authority of clients' certificates, PEM. */
  readonly clientCa: string;
  readonly requestHeader?: RequestHeaderSettings;
  readonly anonymous?: AnonymousSettings;
  readonly now: () => Instant;
}

/** What was found out about a request's maker. */
export interface Authenticated {
  readonly user: User;
  /** What the client is to be told. */
  readonly warning?: string;
}

/**
 * Says who makes a request, in upstream's order: a proxy that names a user, a client's certificate, a bearer token, else
 * nobody in particular. Credentials that are wrong are no harm where others beside them are right.
 */
export class Authenticator {
  /** A connection's certificate does not change: looked at once. */
  readonly #shown = new WeakMap<TLSSocket, ShownCertificate | 'none'>();
  readonly #users = new WeakMap<ShownCertificate, User | string | undefined>();
  readonly #proxies = new WeakMap<ShownCertificate, boolean>();
  readonly #clientCa: ReturnType<typeof certificatesOf>;
  readonly #proxyCa: ReturnType<typeof certificatesOf>;
  readonly #proxied: ReturnType<typeof requestHeaders> | undefined;

  constructor(private readonly sources: AuthenticatorSources) {
    const { clientCa, requestHeader } = sources;
    this.#clientCa = certificatesOf(clientCa);
    this.#proxyCa = requestHeader === undefined ? [] : certificatesOf(requestHeader.clientCa);
    this.#proxied = requestHeader && requestHeaders(requestHeader);
  }

  /** The request's user. Throws Unauthorized for credentials that are wrong, or missing where they are needed. */
  async authenticate(request: IncomingMessage, path: string): Promise<Authenticated> {
    const { socket } = request;
    const shown = socket instanceof TLSSocket ? this.#shownOn(socket) : 'none';
    const trusted = shown !== 'none' && shown.authorized && this.sources.now() <= shown.notAfter;
    if (trusted && this.#proxied) {
      const user = this.#byProxy(shown, request);
      if (user) return { user: withAuthenticated(user) };
    }
    const certified = trusted ? this.#userOf(shown) : undefined;
    if (typeof certified === 'object') return { user: certified };
    const bearer = bearerOf(request);
    if (bearer !== undefined && 'token' in bearer) {
      const found = await this.sources.tokens.authenticate(bearer.token, this.sources.audiences);
      if (typeof found === 'string') throw unauthorized();
      // Nobody behind this point is ever tempted to use it.
      delete request.headers.authorization;
      return { user: withAuthenticated(found.user) };
    }
    const wrong = (shown !== 'none' && !trusted) || typeof certified === 'string' || (bearer !== undefined && 'problem' in bearer);
    if (wrong || !this.#anonymous(path)) throw unauthorized();
    return { user: ANONYMOUS, ...(bearer === undefined ? {} : { warning: bearer.warning }) };
  }

  #anonymous(path: string): boolean {
    const { enabled, paths = [] } = this.sources.anonymous ?? { enabled: true };
    return enabled && (paths.length === 0 || paths.includes(path));
  }

  #shownOn(socket: TLSSocket): ShownCertificate | 'none' {
    const known = this.#shown.get(socket);
    if (known !== undefined) return known;
    const found = shownCertificate(socket) ?? 'none';
    this.#shown.set(socket, found);
    return found;
  }

  #byProxy(shown: ShownCertificate, { headers, rawHeaders }: IncomingMessage): User | undefined {
    const allowed = this.sources.requestHeader?.allowedNames ?? [];
    if (allowed.length > 0 && !allowed.includes(commonNameOf(shown))) return undefined;
    const known = this.#proxies.get(shown) ?? signedBy(shown, this.#proxyCa);
    this.#proxies.set(shown, known);
    return known ? this.#proxied?.(headers, rawHeaders) : undefined;
  }

  /** Undefined where the certificate names nobody, a sentence where it is not to be believed. */
  #userOf(shown: ShownCertificate): User | string | undefined {
    if (this.#users.has(shown)) return this.#users.get(shown);
    // The listener believes the proxies' authority too: their certificates are no users'.
    const known = this.#proxied === undefined || signedBy(shown, this.#clientCa);
    const found = known ? certifiedUser(shown) : 'certificate signed by unknown authority';
    const user = typeof found === 'object' ? withAuthenticated(found) : found;
    this.#users.set(shown, user);
    return user;
  }
}

/** The user in the group of all whose credentials are right, unless the credentials say that he is in none (`AuthenticatedGroupAdder`). */
export const withAuthenticated = (user: User): User =>
  user.name === 'system:anonymous' || user.groups.includes(AUTHENTICATED) || user.groups.includes('system:unauthenticated')
    ? user
    : { ...user, groups: [...user.groups, AUTHENTICATED] };

/** 401: there are no credentials, or wrong ones. Says no more, as upstream. */
export const unauthorized = (): StatusError => new StatusError('Unauthorized', 'Unauthorized');
