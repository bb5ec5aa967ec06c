export { backedUp, backupBytes, backupOrder, parseBackup, pieceProblem } from './manifest.js';
export type { BackupManifest, BackupPiece, BackupStream } from './manifest.js';
