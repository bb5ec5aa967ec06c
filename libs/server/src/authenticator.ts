import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { StatusError } from '#libs/apimachinery';
import type { User } from './authorizer.js';
import type { ServiceAccountAuthenticator } from './service-account-authenticator.js';

const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const AUTHENTICATED = 'system:authenticated';

/** Says who makes a request: by client certificate (CN is the user, each O a group), or by token. */
export class Authenticator {
  /** A connection's certificate does not change: looked at once. */
  private readonly certified = new WeakMap<TLSSocket, User | 'untrusted' | 'none'>();

  constructor(
    private readonly serviceAccounts: ServiceAccountAuthenticator,
    private readonly audiences: readonly string[],
  ) {}

  /** The request's user; without credentials that is nobody in particular. Throws Unauthorized for wrong credentials. */
  authenticate(request: IncomingMessage): User {
    const { socket } = request;
    const certified = socket instanceof TLSSocket ? this.byCertificate(socket) : 'none';
    if (typeof certified !== 'string') return certified;
    const token = tokenOf(request);
    if (token !== undefined) {
      const found = this.serviceAccounts.authenticate(token, this.audiences);
      if (typeof found === 'string') throw unauthorized();
      return withAuthenticated(found.user);
    }
    if (certified === 'none') return ANONYMOUS;
    throw unauthorized();
  }

  private byCertificate(socket: TLSSocket): User | 'untrusted' | 'none' {
    const known = this.certified.get(socket);
    if (known !== undefined) return known;
    const found = certificateUser(socket);
    this.certified.set(socket, found);
    return found;
  }
}

function certificateUser(socket: TLSSocket): User | 'untrusted' | 'none' {
  const certificate = socket.getPeerCertificate();
  if (Object.keys(certificate).length === 0) return 'none';
  if (!socket.authorized) return 'untrusted';
  const { CN, O } = certificate.subject as { readonly CN?: string | readonly string[]; readonly O?: string | readonly string[] };
  const name = typeof CN === 'string' ? CN : CN?.at(-1);
  if (name === undefined || name === '') return 'untrusted';
  const groups = O === undefined ? [] : typeof O === 'string' ? [O] : O;
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return withAuthenticated({ name, groups, extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } });
}

const withAuthenticated = (user: User): User =>
  user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] };

/** The bearer token of the header, or of the WebSocket protocol with which browsers send it. */
function tokenOf(request: IncomingMessage): string | undefined {
  const found = /^bearer\s+(.+)$/i.exec(request.headers.authorization ?? '');
  if (found?.[1] !== undefined) return found[1].trim();
  const prefix = 'base64url.bearer.authorization.k8s.io.';
  const protocol = request.headers['sec-websocket-protocol']?.split(',').find((text) => text.trim().startsWith(prefix));
  return protocol === undefined ? undefined : Buffer.from(protocol.trim().slice(prefix.length), 'base64url').toString('utf8');
}

/** 401: there are no credentials, or wrong ones. Says no more, as upstream. */
export const unauthorized = (): StatusError => new StatusError('Unauthorized', 'Unauthorized');
