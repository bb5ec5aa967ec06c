import 'reflect-metadata';

import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate and its key, both PEM. */
export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

/** An authority for one test run, and what it signs. */
export interface TestAuthority {
  readonly cert: string;
  /** Its private key, PEM. */
  readonly key: string;
  /** A certificate for a client (`commonName`, `organizations`) or, with `addresses`, for a server. */
  issue(commonName: string, options?: TestCertificate): Promise<TestPair>;
}

/** What a certificate says besides its name. */
export interface TestCertificate {
  readonly organizations?: readonly string[];
  readonly addresses?: readonly string[];
  /** Host names of a server's certificate, besides its addresses. */
  readonly hosts?: readonly string[];
  /** A user's uid, as upstream reads it of certificates. */
  readonly uid?: string;
  /** Hours from now; default: from an hour ago until tomorrow. */
  readonly validHours?: readonly [from: number, until: number];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

x509.cryptoProvider.set(webcrypto);

const times = ([from, until]: readonly [number, number] = [-1, 24]): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() + from * HOUR_MS),
  notAfter: new Date(Date.now() + until * HOUR_MS),
});
const serialNumber = (): string => `00${randomBytes(8).toString('hex')}`;
const newKeys = (): Promise<CryptoKeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

type CryptoKeyPair = Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0] extends infer P
  ? P extends { keys: infer K }
    ? K
    : never
  : never;

async function keyPem(keys: CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

/** A new authority. */
export async function testAuthority(): Promise<TestAuthority> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=test-ca-${serialNumber()}`,
    ...times(),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    cert: ca.toString('pem'),
    key: await keyPem(keys),
    issue: async (commonName, { organizations = [], addresses, hosts = [], uid, validHours } = {}) => {
      const own = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: new x509.Name([
          ...organizations.map((name) => ({ O: [name] })),
          ...(uid === undefined ? [] : [{ '1.3.6.1.4.1.57683.2': [uid] }]),
          { CN: [commonName] },
        ]).toString(),
        issuer: ca.subject,
        ...times(validHours),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([addresses ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2']),
          ...(addresses
            ? [
                new x509.SubjectAlternativeNameExtension([
                  ...addresses.map((value) => ({ type: 'ip' as const, value })),
                  ...hosts.map((value) => ({ type: 'dns' as const, value })),
                ]),
              ]
            : []),
        ],
      });
      return { cert: certificate.toString('pem'), key: await keyPem(own) };
    },
  };
}

/** Whose name a certificate request asks for. */
export interface RequestedSubject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** A certificate request as `spec.request` carries it (base64 of PEM), and the key that it is signed with. */
export async function testCertificateRequest(subject: RequestedSubject): Promise<{ readonly request: string; readonly key: string }> {
  const { commonName, organizations = [], dnsNames = [], ipAddresses = [] } = subject;
  const keys = await newKeys();
  const names = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name([...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }]).toString(),
    keys,
    signingAlgorithm: ALGORITHM,
    ...(names.length > 0 ? { extensions: [new x509.SubjectAlternativeNameExtension(names)] } : {}),
  });
  const pem = x509.PemConverter.encode(made.rawData, 'CERTIFICATE REQUEST');
  return { request: Buffer.from(`${pem}\n`).toString('base64'), key: await keyPem(keys) };
}

/** A key for service account tokens: its private half, PEM. */
export const testTokenKey = (kind: 'rsa' | 'ec' = 'ec'): string => {
  const { privateKey } =
    kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

/** What a token says, unverified. */
export const jwtPayload = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;
