export { archiveMessages, planArchive } from './archiving.js';
export type { Archived, ArchiveStep, ArchivingOptions } from './archiving.js';
export { ArchivedLog, connectWholeLog } from './archived-log.js';
export { ArchiveDamaged } from './file.js';
export { ArchiveFolder } from './folder.js';
export { merged } from './merged.js';
