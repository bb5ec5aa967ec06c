import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { formatMicroTime, parseTime, type Instant } from '#libs/apimachinery';
import { RunningClock, systemTimers, type Logger, type Timers } from '#libs/runtime';

/** The time a process lives by: the machine's, or one that was begun at a moment of the past. */
export interface Clock {
  readonly now: () => Instant;
  readonly timers: Timers;
  /** From here on time passes; until then a clock of the past stands. */
  start(): void;
  stop(): void;
}

/** What a clock's file holds. Times are RFC 3339. */
export interface ClockFile {
  /** What the clock said when the file was written. */
  readonly now: string;
  /** What it can't have passed before the file is written again: where a process that was killed goes on. */
  readonly ceiling: string;
  /** How many times faster than real time. */
  readonly speed: number;
}

const WRITE_EVERY_MS = 1_000;
/** Times the time between two writes that the ceiling lies ahead. */
const AHEAD = 3;
const MOST_SPEED = 1_000;

const SYSTEM_CLOCK: Clock = { now: Date.now, timers: systemTimers, start: () => undefined, stop: () => undefined };

/** The content of a clock's file, checked. Throws SyntaxError. */
export function parseClockFile(text: string): ClockFile {
  const { now, ceiling, speed } = JSON.parse(text) as Partial<ClockFile>;
  if (
    parseTime(now) === undefined ||
    parseTime(ceiling) === undefined ||
    typeof speed !== 'number' ||
    !(speed > 0 && speed <= MOST_SPEED)
  ) {
    throw new SyntaxError('no clock: now, ceiling (RFC 3339) and speed are needed');
  }
  return { now: now ?? '', ceiling: ceiling ?? '', speed };
}

/** The clock that a file says, which it keeps up to date; the machine's own where there is no file. */
export function openClock(file: string | undefined, logger: Logger): Clock {
  if (file === undefined) return SYSTEM_CLOCK;
  const { ceiling, speed } = parseClockFile(readFileSync(file, 'utf8'));
  const clock = new RunningClock({ from: parseTime(ceiling) ?? 0, speed, real: () => performance.now(), timers: systemTimers });
  const write = (aheadMs: number): void => {
    const now = clock.now();
    const content: ClockFile = { now: formatMicroTime(now), ceiling: formatMicroTime(now + aheadMs * speed), speed };
    writeFileSync(`${file}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const tryToWrite = (aheadMs: number): void => {
    try {
      write(aheadMs);
    } catch (error) {
      logger.error('the clock could not be kept', error, { file });
    }
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    now: clock.now,
    timers: clock,
    start: () => {
      if (timer !== undefined) return;
      clock.start();
      tryToWrite(AHEAD * WRITE_EVERY_MS);
      timer = setInterval(() => tryToWrite(AHEAD * WRITE_EVERY_MS), WRITE_EVERY_MS).unref();
    },
    stop: () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      clock.stop();
      tryToWrite(0);
    },
  };
}
