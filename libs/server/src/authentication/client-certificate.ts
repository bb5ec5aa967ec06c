import { X509Certificate } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Instant } from '#libs/apimachinery';
import type { User } from '../authorization/authorizer.js';

type Names = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Where a certificate carries a user's uid (apiserver `util/x509`). */
const UID = '1.3.6.1.4.1.57683.2';
/** Certificates of a chain looked at. */
const MAX_CHAIN = 8;

/** The certificate that a client showed on a connection, as far as the handshake believed it. */
export interface ShownCertificate {
  readonly certificate: PeerCertificate;
  readonly chain: readonly X509Certificate[];
  /** Whether it is for clients, in time at the handshake, and signed by one of the listener's authorities. */
  readonly authorized: boolean;
  readonly notAfter: Instant;
}

/** What the client showed; undefined: nothing. A connection's certificate does not change, so ask once for each. */
export function shownCertificate(socket: TLSSocket): ShownCertificate | undefined {
  const certificate = socket.getPeerCertificate(true);
  if (Object.keys(certificate).length === 0) return undefined;
  const chain: X509Certificate[] = [];
  let link: typeof certificate | undefined = certificate;
  while (link !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(link.raw));
    const next: typeof certificate | undefined = link.issuerCertificate as typeof certificate | undefined;
    link = next === link ? undefined : next;
  }
  return { certificate, chain, authorized: socket.authorized, notAfter: Date.parse(certificate.valid_to) };
}

/** The certificates of a PEM bundle. */
export const certificatesOf = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map((text) => new X509Certificate(text));

/** Whether one of these authorities signed a link of the chain. The handshake has checked the chain itself. */
export const signedBy = ({ chain }: ShownCertificate, authorities: readonly X509Certificate[]): boolean =>
  chain.some((link) => authorities.some((authority) => link.checkIssued(authority) && link.verify(authority.publicKey)));

const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** The name of a certificate's subject; '' where it has none. */
export const commonNameOf = ({ certificate }: ShownCertificate): string =>
  listed((certificate.subject as unknown as Names)['CN']).at(-1) ?? '';

/**
 * The user of a certificate: its common name, each organization a group (request/x509 `CommonNameUserConversion`).
 * A sentence where it can't be said, undefined where the certificate names nobody.
 */
export function certifiedUser(shown: ShownCertificate): User | string | undefined {
  const names = shown.certificate.subject as unknown as Names;
  const name = commonNameOf(shown);
  if (name === '') return undefined;
  const uids = listed(names[UID]);
  if (uids.length > 1) return `expected 1 UID, but found multiple: [${uids.join(' ')}]`;
  if (uids[0] === '') return 'UID cannot be an empty string';
  const fingerprint = shown.certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    name,
    ...(uids[0] === undefined ? {} : { uid: uids[0] }),
    groups: listed(names['O']),
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  };
}
