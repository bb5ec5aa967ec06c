import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, NatsError } from 'nats';
import { AnswerLost } from './wire.js';

/** Servers that have just started, or lost one of theirs, elect a leader within this. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 250;
const PASSING: ReadonlySet<string> = new Set([ErrorCode.Timeout, ErrorCode.NoResponders]);

const isPassing = (error: unknown): boolean => error instanceof AnswerLost || (error instanceof NatsError && PASSING.has(error.code));

/** Asks again for as long as an election may take where no answer comes: of what may be repeated, when a process starts. */
export async function untilLed<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw error;
      await sleep(AGAIN_MS);
    }
  }
}
