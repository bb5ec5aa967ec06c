export { connectKeyring, Keyring, WITHOUT_KEYS, WrongSealingKey } from './keyring.js';
export type { KeyStore, Opener, SealedObject } from './keyring.js';
export { SealedLog } from './sealed-log.js';
