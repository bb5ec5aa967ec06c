/** What a service account token says: RFC 7519 and upstream's `kubernetes.io` claim. Times in seconds. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti?: string;
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

type Claims = Readonly<Record<string, unknown>>;

/** Whether it is what a token of today says. */
export function isTokenClaims(claims: Claims): claims is Claims & TokenClaims {
  const bound = claims['kubernetes.io'] as Partial<BoundClaims> | undefined;
  return (
    typeof claims['iss'] === 'string' &&
    typeof claims['sub'] === 'string' &&
    Array.isArray(claims['aud']) &&
    typeof claims['exp'] === 'number' &&
    typeof bound === 'object' &&
    bound !== null &&
    typeof bound.namespace === 'string' &&
    typeof bound.serviceaccount?.name === 'string' &&
    typeof bound.serviceaccount.uid === 'string'
  );
}
