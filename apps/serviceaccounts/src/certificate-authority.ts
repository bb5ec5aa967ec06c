import 'reflect-metadata';

import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { SigningOrder } from '#libs/controllers';

/** The authority whose client certificates the API server believes: certificate and key, PEM both. */
export interface AuthorityPair {
  readonly certificate: string;
  readonly key: string;
}

const KEY_USAGES: Readonly<Record<string, number>> = {
  'digital signature': x509.KeyUsageFlags.digitalSignature,
  'key encipherment': x509.KeyUsageFlags.keyEncipherment,
};
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  'client auth': x509.ExtendedKeyUsage.clientAuth,
  'server auth': x509.ExtendedKeyUsage.serverAuth,
};
const ALTERNATIVE_NAMES = '2.5.29.17';
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

x509.cryptoProvider.set(webcrypto);

type SigningAlgorithm = { readonly name: string; readonly hash: string; readonly namedCurve?: string };

function algorithmOf(key: ReturnType<typeof createPrivateKey>): SigningAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const namedCurve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (namedCurve === undefined) throw new TypeError('the authority’s key is neither RSA nor on a curve that is known');
  return { name: 'ECDSA', hash: 'SHA-256', namedCurve };
}

/** Signs certificates with the cluster's authority, as it has been decided that they be. */
export class CertificateAuthority {
  private constructor(
    private readonly issuer: x509.X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
    private readonly algorithm: SigningAlgorithm,
  ) {}

  static async open({ certificate, key }: AuthorityPair): Promise<CertificateAuthority> {
    const parsed = createPrivateKey(key);
    const algorithm = algorithmOf(parsed);
    const der = parsed.export({ type: 'pkcs8', format: 'der' });
    const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    return new CertificateAuthority(new x509.X509Certificate(certificate), signingKey, algorithm);
  }

  /** The certificate, PEM. `request` is the PKCS #10 request, PEM, whose subject, key and names it takes over. */
  async sign(request: string, { usages, notBefore, notAfter }: SigningOrder): Promise<string> {
    const asked = new x509.Pkcs10CertificateRequest(request);
    const names = asked.extensions.find(({ type }) => type === ALTERNATIVE_NAMES);
    const keyUsage = usages.reduce((flags, usage) => flags | (KEY_USAGES[usage] ?? 0), 0);
    const extended = usages.flatMap((usage) => EXTENDED_USAGES[usage] ?? []);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: asked.subject,
      issuer: this.issuer.subject,
      notBefore: new Date(notBefore),
      // Nothing outlives the authority that vouches for it.
      notAfter: new Date(Math.min(notAfter, this.issuer.notAfter.getTime())),
      publicKey: asked.publicKey,
      signingKey: this.signingKey,
      signingAlgorithm: this.algorithm,
      extensions: [
        ...(keyUsage === 0 ? [] : [new x509.KeyUsagesExtension(keyUsage, true)]),
        ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(this.issuer),
        ...(names ? [names] : []),
      ],
    });
    return `${certificate.toString('pem')}\n`;
  }
}

/** Positive, as RFC 5280 wants it. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}
