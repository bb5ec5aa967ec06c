/** Runs an app as a process: a failure to start is one line on standard error and exit code 1. */
export function runAsProcess(start: (env: NodeJS.ProcessEnv) => Promise<unknown>): void {
  start(process.env).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
}
