import 'reflect-metadata';

import { randomBytes, webcrypto } from 'node:crypto';

import * as x509 from '@peculiar/x509';

/** A certificate and its private key, PEM both; the key PKCS #8. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Whom a certificate is for and what it may be used for. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** `peer`: both, as servers are that connect to their like. */
  readonly usage: 'client' | 'server' | 'peer';
  /** Names and addresses a server is reached at. */
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
}

/** Signs certificates in the cluster's name. */
export interface Authority {
  issue(subject: Subject): Promise<KeyPair>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** Clocks of pods may be a little behind. */
const BACKDATED_MS = 3_600_000;

x509.cryptoProvider.set(webcrypto);

/** A new certificate authority, valid ten years. */
export async function createAuthority(commonName: string): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    ...validity(AUTHORITY_DAYS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return exported(certificate, keys);
}

/** An authority that signs with this pair. */
export async function openAuthority(pair: KeyPair): Promise<Authority> {
  const certificate = new x509.X509Certificate(pair.certificate);
  const der = Buffer.from(pair.key.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  return { issue: (subject) => issue(certificate, signingKey, subject) };
}

async function issue(issuer: x509.X509Certificate, signingKey: webcrypto.CryptoKey, subject: Subject): Promise<KeyPair> {
  const keys = await newKeys();
  const organizations = subject.organizations ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: new x509.Name([...organizations.map((organization) => ({ O: [organization] })), { CN: [subject.commonName] }]).toString(),
    issuer: issuer.subject,
    ...validity(LEAF_DAYS),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([
        ...(subject.usage === 'client' ? [] : [x509.ExtendedKeyUsage.serverAuth]),
        ...(subject.usage === 'server' ? [] : [x509.ExtendedKeyUsage.clientAuth]),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...alternativeNames(subject),
    ],
  });
  return exported(certificate, keys);
}

function alternativeNames(subject: Subject): x509.Extension[] {
  const names = (subject.names ?? []).map((value) => ({ type: 'dns' as const, value }));
  const addresses = (subject.addresses ?? []).map((value) => ({ type: 'ip' as const, value }));
  return names.length + addresses.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names, ...addresses])];
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exported(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<KeyPair> {
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n` };
}

function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive, as RFC 5280 wants it. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}
