import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Runs kubectl with the terminal as its own; gives back its exit code. `env` says which kubeconfig it reads. */
export function runKubectl(program: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env });
    // Ctrl-C goes to the whole group: kubectl decides what it means.
    const ignore = () => undefined;
    process.on('SIGINT', ignore);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
