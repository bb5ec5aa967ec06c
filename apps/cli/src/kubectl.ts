import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import type { Folders } from './profile.js';

/** Runs kubectl against this cluster alone, with the terminal as its own; gives back its exit code. */
export function runKubectl(program: string, folders: Folders, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: folders.kubeconfig } });
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
