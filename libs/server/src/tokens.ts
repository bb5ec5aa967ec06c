import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** What a service account token says: RFC 7519 and upstream's `kubernetes.io` claim. Times in seconds. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti: string;
  readonly 'kubernetes.io': BoundClaims;
}

interface Reference {
  readonly name: string;
  readonly uid: string;
}

/** Whose token it is, and whose end is its end. */
export interface BoundClaims {
  readonly namespace: string;
  readonly serviceaccount: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
  readonly warnafter?: number;
}

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
  sign(claims: TokenClaims): string {
    const { algorithm, id } = this.own;
    const input = `${encode({ alg: algorithm, kid: id })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(input), { key: this.signing, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that one of the keys signed; undefined for any other. Says nothing of times and audiences. */
  verified(token: string): TokenClaims | undefined {
    const [head, payload, signature, ...more] = token.split('.');
    if (head === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
    const header = decode(head);
    const key = this.keyOf(header);
    if (key === undefined) return undefined;
    const options = { key: key.key, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', Buffer.from(`${head}.${payload}`), options, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = decode(payload);
    return isClaims(claims) ? claims : undefined;
  }

  /** The key a token names. What the header says of the algorithm is never believed beyond its key's own. */
  private keyOf(header: unknown): VerifyingKey | undefined {
    const { alg, kid } = (header ?? {}) as { readonly alg?: unknown; readonly kid?: unknown };
    const key = typeof kid === 'string' ? this.keys.get(kid) : undefined;
    return key?.algorithm === alg ? key : undefined;
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

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function isClaims(value: unknown): value is TokenClaims {
  if (typeof value !== 'object' || value === null) return false;
  const claims = value as Partial<Record<keyof TokenClaims, unknown>>;
  const bound = claims['kubernetes.io'] as Partial<BoundClaims> | undefined;
  return (
    typeof claims.iss === 'string' &&
    typeof claims.sub === 'string' &&
    Array.isArray(claims.aud) &&
    typeof claims.exp === 'number' &&
    typeof bound === 'object' &&
    bound !== null &&
    typeof bound.namespace === 'string' &&
    typeof bound.serviceaccount?.name === 'string' &&
    typeof bound.serviceaccount.uid === 'string'
  );
}
