import type { ContainerRuntime } from '#libs/node-adapters';
import type { LifecycleHandler } from '#libs/api';
import { runHandler, type HandlerTarget } from './handlers.js';

/**
 * Runs a lifecycle hook within its time. False: it failed. Why is told to nobody: a hook's output may hold secrets, and
 * events are read by many.
 */
export async function runHook(
  runtime: ContainerRuntime,
  hook: LifecycleHandler,
  target: HandlerTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { sleep, ...handler } = hook;
  if (sleep) {
    await pause(Math.min(timeoutMs, sleep.seconds * 1000), signal);
    return true;
  }
  if (handler.tcpSocket) return false;
  const hurried = pause(timeoutMs, signal).then(() => undefined);
  const outcome = await Promise.race([runHandler(runtime, handler, target, Math.max(1, timeoutMs)), hurried]);
  return !outcome || outcome.result === 'success';
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, ms));
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
