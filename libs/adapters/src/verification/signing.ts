import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { checkpointLine, checkpointText, type Checkpoint, type SignedCheckpoint } from '#libs/log';

/** A new key for checkpoints, PEM: Ed25519, private and public. */
export function newCheckpointKey(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Signs checkpoints with a private key (PEM). Throws where it is none. */
export function checkpointSigner(privateKey: string): (checkpoint: Checkpoint) => SignedCheckpoint {
  const key = createPrivateKey(privateKey);
  return (checkpoint) => ({ ...checkpoint, signature: sign(null, Buffer.from(checkpointText(checkpoint)), key).toString('base64') });
}

/** Whether a checkpoint was signed with the key whose public half this is (PEM; a private key stands for its public one). */
export function checkpointVerifier(publicKey: string): (checkpoint: SignedCheckpoint) => boolean {
  const key: KeyObject = createPublicKey(publicKey);
  return (checkpoint) => verify(null, Buffer.from(checkpointText(checkpoint)), key, Buffer.from(checkpoint.signature, 'base64'));
}

/** What the next checkpoint says of this one. */
export const lineHash = (checkpoint: SignedCheckpoint): string => createHash('sha256').update(checkpointLine(checkpoint)).digest('hex');

/** A public key by a short name: to compare by eye. */
export const keyName = (publicKey: string): string =>
  createHash('sha256')
    .update(createPublicKey(publicKey).export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
