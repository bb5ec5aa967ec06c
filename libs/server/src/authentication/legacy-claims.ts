import { TokenKeys } from './token-keys.js';

const PREFIX = 'kubernetes.io/serviceaccount/';

/** Issuer of the tokens in Secrets of type `kubernetes.io/service-account-token`. */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

/** What the token in a Secret says: it names no audience and has no end but its Secret's. */
export interface LegacyClaims {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly accountUid: string;
}

/** The claims as they are signed. */
export const writtenLegacyClaims = ({ namespace, secret, account, accountUid }: LegacyClaims): Readonly<Record<string, string>> => ({
  iss: LEGACY_ISSUER,
  [`${PREFIX}namespace`]: namespace,
  [`${PREFIX}secret.name`]: secret,
  [`${PREFIX}service-account.name`]: account,
  [`${PREFIX}service-account.uid`]: accountUid,
  sub: `system:serviceaccount:${namespace}:${account}`,
});

/** The reverse; a sentence where one is missing or they contradict one another. */
export function readLegacyClaims(claims: Readonly<Record<string, unknown>>): LegacyClaims | string {
  const text = (name: string): string => {
    const value = claims[name];
    return typeof value === 'string' ? value : '';
  };
  const sub = text('sub');
  const namespace = text(`${PREFIX}namespace`);
  const secret = text(`${PREFIX}secret.name`);
  const account = text(`${PREFIX}service-account.name`);
  const accountUid = text(`${PREFIX}service-account.uid`);
  if (sub === '') return 'sub claim is missing';
  if (namespace === '') return 'namespace claim is missing';
  if (secret === '') return 'secretName claim is missing';
  if (account === '') return 'serviceAccountName claim is missing';
  if (accountUid === '') return 'serviceAccountUID claim is missing';
  if (sub !== `system:serviceaccount:${namespace}:${account}`) return 'sub claim is invalid';
  return { namespace, secret, account, accountUid };
}

/** Signs the tokens of Secrets with the key (PEM) of service account tokens. */
export function legacyTokenSigner(signingKey: string): (token: LegacyClaims) => string {
  const keys = new TokenKeys(signingKey, []);
  return (token) => keys.signTimeless(writtenLegacyClaims(token));
}
