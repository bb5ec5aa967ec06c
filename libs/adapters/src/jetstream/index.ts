export { Archivist } from './archivist.js';
export { auditSettings, auditStreamName, connectAudit } from './audit-stream.js';
export type { AuditOptions } from './audit-stream.js';
export { connectLog, JetStreamLog } from './jetstream-log.js';
export type { JetStreamOptions } from './jetstream-log.js';
export { MAX_MESSAGE, streamName, streamSettings, WrongLogSettings } from './stream-settings.js';
export { AnswerLost } from './wire.js';
export type { LogObserver, Refusal } from './observer.js';
export type { Copy, LogSigns } from './lookups.js';
