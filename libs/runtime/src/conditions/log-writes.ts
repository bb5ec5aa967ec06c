import { AS_EXPECTED, type ConditionReport } from './condition.js';

/** What was seen of late of the writes to a log. */
export interface LogWrites {
  /** How long storing takes, smoothed; undefined: nothing was stored yet. */
  readonly smoothedMs: number | undefined;
  /** How many times in a row nothing was answered although the server is there. */
  readonly unanswered: number;
  readonly report: ConditionReport;
}

/** Nothing was written yet. */
export const NO_WRITES: LogWrites = { smoothedMs: undefined, unanswered: 0, report: AS_EXPECTED };

/** Storing takes longer than this: the disk is slow, or a replica is. */
export const SLOW_MS = 500;
/** It is no longer slow below this part of the limit: a disk at the limit does not flap. */
const CALM = 0.5;
const WEIGHT = 0.2;
/** One lost answer is no disk that stores nothing. */
const UNANSWERED = 2;

/** After something was stored within so long: whatever kept it from being stored is over. */
export function afterStored(before: LogWrites, ms: number): LogWrites {
  const smoothedMs = before.smoothedMs === undefined ? ms : before.smoothedMs + WEIGHT * (ms - before.smoothedMs);
  const limit = before.report.reason === 'Slow' ? SLOW_MS * CALM : SLOW_MS;
  const message = `storing an event takes more than ${SLOW_MS} ms: the disk of the log's server is slow, or one of its replicas is`;
  const report: ConditionReport = smoothedMs > limit ? { state: 'degraded', reason: 'Slow', message } : AS_EXPECTED;
  return { smoothedMs, unanswered: 0, report: report.reason === before.report.reason ? before.report : report };
}

/** After nothing was stored. */
export function afterRefused(before: LogWrites, refusal: 'NoSpace' | 'NoAnswer' | 'Other', why: string): LogWrites {
  if (refusal === 'NoSpace') {
    const message = `the log's server has no space left (${why}): make room, or give it more (max_file_store)`;
    return { ...before, unanswered: 0, report: { state: 'degraded', reason: 'NoSpace', message } };
  }
  if (refusal === 'Other') return before;
  const unanswered = before.unanswered + 1;
  if (unanswered < UNANSWERED || before.report.reason === 'NoSpace') return { ...before, unanswered };
  const message =
    "the log's server is there, and does not say that it stored anything: its disk may be full or broken; see its own log, make room, " +
    'and start it again';
  return { ...before, unanswered, report: { state: 'degraded', reason: 'NotStored', message } };
}
