export { connectLog, JetStreamLog } from './jetstream-log.js';
export type { JetStreamOptions } from './jetstream-log.js';
export { MAX_MESSAGE, streamName, streamSettings, WrongLogSettings } from './stream-settings.js';
