import type { Logger } from '#libs/runtime';
import { pino } from 'pino';

/** A logger that writes one JSON line per message to standard output. `component` is in each line. */
export function createLogger(component: string, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): Logger {
  const log = pino({ level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime });
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, error, fields) => log.error({ ...fields, err: error }, message),
  };
}
