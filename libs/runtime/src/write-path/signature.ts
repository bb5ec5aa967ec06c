import { createPublicKey, verify } from 'node:crypto';
import type { SignatureCheck } from '#libs/api';

/** The digests of signature algorithms by their identifiers; null where the algorithm has its own. SHA-1 is refused, as upstream refuses it. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

/** Whether a signature holds. A key or an algorithm that is not known holds nothing. */
export function verifiesSignature({ algorithm, publicKey, data, signature }: SignatureCheck): boolean {
  const digest = DIGESTS[algorithm];
  if (digest === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return verify(digest, data, key, signature);
  } catch {
    return false;
  }
}
