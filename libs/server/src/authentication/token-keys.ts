import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';

/** A public key as RFC 7517 writes it. */
export type Jwk = Readonly<Record<string, string>>;

type Algorithm = 'RS256' | 'ES256';

interface VerifyingKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

/** Signs and recognises service account tokens: RS256 or ES256, as the key is RSA or P-256. */
export class TokenKeys {
  private readonly signing: KeyObject;
  private readonly own: VerifyingKey;
  private readonly keys: ReadonlyMap<string, VerifyingKey>;

  /** Keys are PEM. Throws on a key that can't be read or is of another kind. */
  constructor(signingKey: string, verifyingKeys: readonly string[]) {
    this.signing = createPrivateKey(signingKey);
    this.own = verifyingKeyOf(createPublicKey(this.signing));
    this.keys = new Map([this.own, ...verifyingKeys.map((pem) => verifyingKeyOf(createPublicKey(pem)))].map((key) => [key.id, key]));
  }

  /** The public keys, as `/openid/v1/jwks` shows them. */
  get jwks(): readonly Jwk[] {
    return [...this.keys.values()].map(({ id, key, algorithm }) => ({
      use: 'sig',
      ...(key.export({ format: 'jwk' }) as Record<string, string>),
      kid: id,
      alg: algorithm,
    }));
  }

  get algorithms(): readonly Algorithm[] {
    return [...new Set([...this.keys.values()].map(({ algorithm }) => algorithm))];
  }

  /** The token in its compact form. */
  sign(claims: object): string {
    const { algorithm, id } = this.own;
    return jwt.sign(claims, this.signing, { algorithm, header: { alg: algorithm, kid: id } });
  }

  /** The same without a time of its own: the same token for the same claims, with an RSA key. */
  signTimeless(claims: object): string {
    const { algorithm, id } = this.own;
    return jwt.sign(JSON.stringify(claims), this.signing, { algorithm, header: { alg: algorithm, kid: id } });
  }

  /** What a token says that one of the keys signed; undefined for any other. Says nothing of times and audiences. */
  verified(token: string): Readonly<Record<string, unknown>> | undefined {
    try {
      const key = this.keys.get(jwt.decode(token, { complete: true })?.header.kid ?? '');
      if (key === undefined) return undefined;
      // What the header says of the algorithm is never believed beyond its key's own.
      const claims = jwt.verify(token, key.key, { algorithms: [key.algorithm], ignoreExpiration: true, ignoreNotBefore: true });
      return typeof claims === 'object' ? claims : undefined;
    } catch (error) {
      if (error instanceof jwt.JsonWebTokenError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

/** Who issued a token, as it says itself: nothing to be believed yet. */
export function issuerOf(token: string): string | undefined {
  const payload = token.split('.', 3)[1];
  if (payload === undefined || payload === '') return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { readonly iss?: unknown };
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

function verifyingKeyOf(key: KeyObject): VerifyingKey {
  const kind = key.asymmetricKeyType;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (kind !== 'rsa' && !(kind === 'ec' && curve === 'prime256v1'))
    throw new TypeError(`a token key must be RSA or P-256, not ${kind} ${curve ?? ''}`);
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return { id, key, algorithm: kind === 'rsa' ? 'RS256' : 'ES256' };
}
