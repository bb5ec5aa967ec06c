import type { Secret } from '#libs/api';
import { parseTime, textOfBase64, type Instant } from '#libs/apimachinery';

/** Where bootstrap tokens are kept. */
export const TOKEN_NAMESPACE = 'kube-system';
const TYPE = 'bootstrap.kubernetes.io/token';
const PREFIX = 'bootstrap-token-';

/** Whether a Secret is a bootstrap token's. */
export const isBootstrapToken = ({ type, metadata }: Secret): boolean => type === TYPE && metadata.namespace === TOKEN_NAMESPACE;

const valueOf = ({ data }: Secret, key: string): string => textOfBase64(data?.[key] ?? '') ?? '';

/** When a token ends; undefined: never. An end that can't be read has come. */
export function endOf(secret: Secret): Instant | undefined {
  const expiration = valueOf(secret, 'expiration');
  return expiration === '' ? undefined : (parseTime(expiration) ?? -Infinity);
}

/** A token that may sign. */
export interface SigningToken {
  readonly id: string;
  readonly secret: string;
}

/** The id and secret of a token that signs; undefined for one that is not whole, is over, or is not meant to sign. */
export function signingToken(secret: Secret, now: Instant): SigningToken | undefined {
  const id = valueOf(secret, 'token-id');
  const word = valueOf(secret, 'token-secret');
  if (!isBootstrapToken(secret) || secret.metadata.name !== `${PREFIX}${id}` || id === '' || word === '') return undefined;
  if ((endOf(secret) ?? Infinity) <= now || valueOf(secret, 'usage-bootstrap-signing') !== 'true') return undefined;
  return { id, secret: word };
}
