import { setTimeout as delay } from 'node:timers/promises';

import { Failure } from './failure.js';

/** How long to wait for a condition and what to say when it doesn't come. */
export interface Patience {
  readonly forMs: number;
  readonly everyMs?: number;
  /** What was waited for, as the object of "waited for". */
  readonly what: string;
  /** Asked before each try: a Failure that makes waiting pointless. */
  readonly hopeless?: () => Failure | undefined;
  readonly signal?: AbortSignal;
}

/** Tries until the condition yields a value; throws a Failure when the time is over or waiting is hopeless. */
export async function until<T>(condition: () => Promise<T | undefined> | T | undefined, patience: Patience): Promise<T> {
  const deadline = Date.now() + patience.forMs;
  for (;;) {
    patience.signal?.throwIfAborted();
    const value = await condition();
    if (value !== undefined) return value;
    const hopeless = patience.hopeless?.();
    if (hopeless !== undefined) throw hopeless;
    if (Date.now() >= deadline) throw new Failure(`waited ${Math.round(patience.forMs / 1000)} s for ${patience.what}`);
    await delay(patience.everyMs ?? 40, undefined, patience.signal === undefined ? {} : { signal: patience.signal });
  }
}
