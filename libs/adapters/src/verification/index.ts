export { checkHistory, HistoryAltered, type CheckOptions } from './check.js';
export { appendCheckpoint, readCheckpointFile } from './checkpoint-file.js';
export { CheckpointStream, type CheckpointStreamOptions } from './checkpoint-stream.js';
export { CheckpointKeeper, type KeeperOptions } from './keeper.js';
export { scrubHistory, type ScrubOptions } from './scrub.js';
export { checkpointSigner, checkpointVerifier, keyName, lineHash, newCheckpointKey } from './signing.js';
export { verifyHistory, type StreamVerified, type Verified, type VerifyOptions } from './verify.js';
export { verifyStretch, type Walked, type WalkOptions } from './walk.js';
export { acceptHistory, verifyWholeHistory, type HistoryPlaces } from './whole.js';
