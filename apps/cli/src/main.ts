import { setMaxListeners } from 'node:events';

import { explain, Failure, messageOf } from './failure.js';
import { buildProgram, Shown } from './program.js';

/** Set while anything goes wrong on purpose: Ctrl-C and SIGTERM. */
const stopping = new AbortController();
// Each request under way listens; a command may have more of them than Node takes for a leak.
setMaxListeners(0, stopping.signal);

function interrupted(signal: NodeJS.Signals): void {
  if (stopping.signal.aborted) process.exit(130);
  process.stderr.write(`\n${signal}: giving up; press Ctrl-C again to leave at once\n`);
  stopping.abort(new Failure('interrupted', ['Run the command again, or `./decklog delete`.']));
}

function report(error: unknown): number {
  const shown = explain(error);
  if (shown instanceof Failure) {
    process.stderr.write(`decklog: ${shown.message}\n${shown.advice.map((line) => `  ${line}\n`).join('')}`);
    return shown.exitCode;
  }
  process.stderr.write(`decklog: ${messageOf(shown)}\n`);
  if (process.env['DECKLOG_DEBUG'] !== undefined && shown instanceof Error) process.stderr.write(`${shown.stack ?? ''}\n`);
  return 1;
}

async function main(): Promise<void> {
  process.on('SIGTERM', interrupted);
  process.stdout.on('error', () => process.exit(0));
  const program = buildProgram({
    signal: stopping.signal,
    catchInterrupts: () => process.on('SIGINT', interrupted),
    setExitCode: (code) => (process.exitCode = code),
  });
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof Shown) process.exitCode = error.exitCode;
    else if (stopping.signal.aborted) process.exitCode = report(stopping.signal.reason) && 130;
    else process.exitCode = report(error);
  }
}

void main();
