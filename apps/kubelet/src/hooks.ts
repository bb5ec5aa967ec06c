import type { ContainerRuntime } from '#libs/adapters';
import type { LifecycleHandler } from '#libs/api';
import { runHandler, type HandlerTarget } from './handlers.js';

/** Runs a lifecycle hook within its time; what went wrong, in the words of its event, or undefined. */
export async function runHook(
  runtime: ContainerRuntime,
  hook: LifecycleHandler,
  target: HandlerTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { sleep, ...handler } = hook;
  if (sleep) {
    await pause(Math.min(timeoutMs, sleep.seconds * 1000), signal);
    return undefined;
  }
  if (handler.tcpSocket) return `invalid handler: tcpSocket`;
  const hurried = pause(timeoutMs, signal).then(() => undefined);
  const outcome = await Promise.race([runHandler(runtime, handler, target, Math.max(1, timeoutMs)), hurried]);
  if (!outcome || outcome.result === 'success') return undefined;
  if (handler.exec)
    return `PostStartHook failed: command '${(handler.exec.command ?? []).join(' ')}' exited: ${outcome.output}`.replace(
      'PostStartHook failed: ',
      '',
    );
  return outcome.output;
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
