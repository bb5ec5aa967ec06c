export { KeyDestruction, type DestructionSources } from './destruction.js';
export type { KeyStore, StoredKey } from './key-store.js';
export { connectKeyring, connectKeyStore, Keyring, WITHOUT_KEYS } from './keyring.js';
export type { KeyStoreOptions, Opener, SealedObject } from './keyring.js';
export { masterId, WrongSealingKey } from './masters.js';
export { rotateMaster, type Rotated, type SealingKeyFile } from './rotation.js';
export { SealedLog } from './sealed-log.js';
