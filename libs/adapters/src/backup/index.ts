export { BackupDamaged, checkBackup } from './read.js';
export type { CheckedBackup } from './read.js';
export { restoreBackup } from './restore.js';
export type { RestoreOptions } from './restore.js';
export { writeBackup } from './write.js';
export type { BackupOptions } from './write.js';
